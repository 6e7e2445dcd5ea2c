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
token=0
[ -z "${FINSYNC_API_TOKEN_FILE:-}" ] || token=1
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
    # Pages of these origins may use the API, and no other port
    echo 'map "$server_port $http_origin" $is_named_origin {'
    echo '    default 0;'
    for origin in $(echo "${FINSYNC_API_ORIGINS:-}" | tr ',A-Z' ' a-z' | tr -s ' ' '\n' | sort -u); do
        name=${origin#http://}
        name=${name#https://}
        case "$name" in
            '' | "$origin" | *[!]a-z0-9.:[-]*) refuse "FINSYNC_API_ORIGINS: '$origin' is not an origin. Use scheme, host and port alone, such as https://app.example.org" ;;
        esac
        echo "    \"3001 $origin\" 1;"
    done
    echo '}'
    echo "map \$host \$has_api_token { default $token; }"
    echo "map \$host \$login { default $login; }"
    echo "map \$host \$are_reports_open { default $reports; }"
} > /tmp/settings/http.conf

exec nginx -e stderr -g 'daemon off;'
