# Keeps a private PostgreSQL server in the directory $1, by the programs in $2, for the user $3 with the
# password $4. Does what each line of its input says and answers with the exit status. At the end of the
# input, which comes with the end of the process that writes it, the server goes, and the directory.
home=$1 programs=$2 user=$3 password=$4

create() {
    printf '%s\n' "$password" >"$home/password"
    "$programs/initdb" --no-sync --no-instructions --encoding=UTF8 --locale=C --username="$user" \
        --auth=password --pwfile="$home/password" --pgdata="$home/data"
}

# Nothing has to survive the machine, so nothing is waited for until it is on the disk. What is committed
# survives the server.
start() {
    set -- listen_addresses=127.0.0.1 port="$1" unix_socket_directories= fsync=off full_page_writes=off \
        shared_buffers=16MB max_connections=300
    "$programs/pg_ctl" start --silent --wait --pgdata="$home/data" --log="$home/log" \
        --options="$(printf ' -c %s' "$@")"
}

stop() {
    "$programs/pg_ctl" stop --silent --wait --mode=immediate --pgdata="$home/data"
}

while read -r command argument; do
    "$command" "$argument" >>"$home/log" 2>&1 </dev/null
    echo "$?"
done
stop >/dev/null 2>&1
rm -rf "$home"
