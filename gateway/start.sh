#!/bin/sh
# Writes the settings of the environment where nginx.conf includes them, then becomes nginx.
set -eu

refuse() {
    echo "finsync-gateway: $1" >&2
    exit 2
}

switch() { # name, value, what nginx gets for 1, for 0
    case "$2" in
        1) echo "$3" ;;
        0) echo "$4" ;;
        *) refuse "$1 is '$2'. Use 1 to switch it on, or 0" ;;
    esac
}

login=$(switch FINSYNC_WEB_LOGIN "${FINSYNC_WEB_LOGIN:-1}" FinSync off)
reports=$(switch FINSYNC_WEB_REPORTS "${FINSYNC_WEB_REPORTS:-0}" 1 0)
users=/run/secrets/web_users
if [ "$login" != off ] && ! grep -q '^[^:#][^:]*:.' "$users" 2>/dev/null; then
    refuse "$users has no user. Write a line such as name:{PLAIN}password, or one that htpasswd makes"
fi

mkdir -p /tmp/settings
{
    echo 'map $host $is_known_host {'
    echo '    default 0;'
    echo '    127.0.0.1 1;'
    echo '    localhost 1;'
    echo '    "[::1]" 1;'
    for name in $(echo "${FINSYNC_WEB_HOSTS:-}" | tr ',' ' '); do
        case "$name" in
            *[!A-Za-z0-9.-]*) refuse "FINSYNC_WEB_HOSTS: '$name' is not a host name. Use names without port, with commas" ;;
        esac
        echo "    $name 1;"
    done
    echo '}'
    echo "map \$host \$login { default $login; }"
    echo "map \$host \$are_reports_open { default $reports; }"
} > /tmp/settings/http.conf

exec nginx -e stderr -g 'daemon off;'
