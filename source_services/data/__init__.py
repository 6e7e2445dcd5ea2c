"""From a data file to the files that are served: `loader.load` makes a SQLite file and an Arrow file of it.

Here belongs what reads data files and describes their contents. What a caller's SQL may do with the table is in
`query/`, HTTP in `web/`, the watch for newer data files in `served_table`. Read on in `data_files` (formats that are
read), `loader` and `table_metadata` (data version, periods, columns).
"""
