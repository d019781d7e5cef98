# What the demonstrations share: a directory that is removed, processes that are ended, certificates, and the log of the
# application, which drives the demonstration. Sourced; the demonstration sets `build` and defines `end_servers`.
# shellcheck shell=bash

patience=20 # seconds without a line of the log, after which the demonstration fails
dir=
app=
build=

say() {
        printf '\n== %s\n' "$*"
}

die() {
        printf 'demo: %s\n' "$*" >&2
        exit 1
}

# nginx forgets a SIGTERM that comes between its start and its first wait: who is still there is asked again, and killed
# in the end.
end_process() {
        local signal
        [[ -n $1 ]] || return 0
        for signal in TERM TERM TERM KILL; do
                kill -"$signal" "$1" 2>/dev/null || break
                for _ in {1..50}; do
                        kill -0 "$1" 2>/dev/null || break 2
                        sleep 0.02
                done
        done
        wait "$1" 2>/dev/null || true
}

clean_up() {
        trap '' INT TERM HUP
        end_process "$app"
        end_servers
        [[ -z $dir ]] || rm -rf "$dir"
}

# begin BUILD_DIR PROGRAM...: the directory is made, and removed however the demonstration ends.
begin() {
        local program
        # /usr/sbin, where Debian puts servers, is not on everybody's PATH.
        PATH=$PATH:/usr/sbin:/usr/local/sbin
        build=$1
        shift
        for program in mvsim "$@"; do
                [[ -x $build/$program ]] ||
                        die "$program is not in $build (./dev build makes it in build/; name another directory)"
        done
        trap clean_up EXIT
        trap 'exit 129' HUP
        trap 'exit 130' INT
        trap 'exit 143' TERM
        dir=$(mktemp -d "${TMPDIR:-/tmp}/mvsim-demo.XXXXXX")
}

# require COMMAND PACKAGE
require() {
        command -v "$1" >/dev/null || die "$1 is not installed (apt install $2)"
}

quietly() {
        "$@" >"$dir/output" 2>&1 || {
                cat "$dir/output" >&2
                die "$1 failed"
        }
}

new_key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)

# A certification authority: ca.pem, ca.key.
make_authority() {
        quietly openssl req -x509 "${new_key[@]}" -days 2 -subj '/CN=demonstration CA' \
                -keyout "$dir/ca.key" -out "$dir/ca.pem"
}

# make_certificate NAME COMMON_NAME EXTENSION...: NAME.pem and NAME.key, signed by the authority.
make_certificate() {
        local name=$1 subject=$2
        shift 2
        quietly openssl req "${new_key[@]}" -subj "/CN=$subject" -keyout "$dir/$name.key" -out "$dir/$name.csr"
        printf '%s\n' "$@" >"$dir/$name.ext"
        quietly openssl x509 -req -in "$dir/$name.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 2 \
                -extfile "$dir/$name.ext" -out "$dir/$name.pem"
}

# with_a_port COMMAND: runs the command, which starts a server on $port, until it finds a port that nobody else has.
with_a_port() {
        local attempt
        for attempt in {1..20}; do
                # shellcheck disable=SC2034 # the command's
                port=$((20000 + RANDOM % 12000))
                if "$@"; then return; fi
        done
        cat "$dir/output" >&2
        die "the server does not start ($attempt ports tried)"
}

# The log comes through a pipe, line by line; what it says drives the demonstration.
start_application() {
        exec {log}< <(exec "$build/mvsim" run -p "$dir/profile.yaml" --timeout 55 -- "$build/$1" 2>&1)
        app=$!
}

# Reads the next line of the log into $line, with short waits, between which a signal is handled.
next_line() {
        local part end=$((SECONDS + patience))
        line=
        until IFS= read -r -t 0.5 -u "$log" part; do
                line+=$part
                kill -0 "$app" 2>/dev/null || return 1
                [[ $SECONDS -lt $end ]] || return 1
        done
        line+=$part
}

# await COUNT PATTERN WHAT: shows the log until the pattern has come so many times.
await() {
        local line left=$1
        while [[ $left -gt 0 ]]; do
                next_line || die "the log does not show $3: nothing more comes"
                printf '   %s\n' "$line"
                if [[ $line =~ $2 ]]; then left=$((left - 1)); fi
        done
}
