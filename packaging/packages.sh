# Debian packages that ./dev needs: one list, and installing what is missing of it. Sourced by ./dev.
# shellcheck shell=bash

# groups | package | what for
packages='
build              | gcc                        | compiles for this computer
build              | libc6-dev                  | headers of the C library
build              | meson                      | describes the build
build              | ninja-build                | runs the build
build              | pkg-config                 | finds the libraries
build              | python3                    | scripts among the tests, counting of results
build              | libuv1-dev                 | event loop of the link thread
build              | libcurl4-openssl-dev       | HTTP that the cloud performs
build              | libssl-dev                 | TLS
build              | libmosquitto-dev           | MQTT that the cloud performs
build              | libcyaml-dev               | reads profiles
build              | libjansson-dev             | JSON that the command writes
build              | libyaml-dev                | finds the lines that profile errors name
build              | check                      | test framework
build              | libsubunit-dev             | check.pc asks for it
test               | clang                      | second compiler: the sources must be clean with both
test               | g++                        | public headers are tried as C++
test demo bench    | nginx-light                | the HTTP server to talk to (its system service is not used)
test demo bench    | mosquitto                  | the MQTT broker to talk to (its system service is not used)
test demo          | mosquitto-clients          | independent MQTT peers
test demo bench    | openssl                    | makes the certificates of test servers
test               | valgrind                   | looks for memory errors in what was built
test               | qemu-system-arm            | the processor that the simulated one is held against
test               | gcc-aarch64-linux-gnu      | compiles the library for another computer
test               | libc6-dev-arm64-cross      | headers for that
test target        | gcc-arm-none-eabi          | compiles for the device
test target        | libnewlib-arm-none-eabi    | C library of the device
test lint          | clang-format               | checks the layout of the sources
test lint          | clang-tidy                 | looks for mistakes in the sources
lint               | clang                      | clang-tidy looks at the build made with it
'

# "package<tab>reason" for each package of the groups named, once.
packages_of() {
        local wanted=" $* " seen=' ' groups package reason group
        while IFS='|' read -r groups package reason; do
                package=${package//[[:blank:]]/}
                for group in $groups; do
                        if [[ $wanted == *" $group "* && $seen != *" $package "* ]]; then
                                seen+="$package "
                                printf '%s\t%s\n' "$package" "${reason# }"
                        fi
                done
        done <<<"$packages"
}

is_installed() {
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

as_root_apt() {
        local run=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0)
        if [[ $(id -u) -ne 0 ]]; then
                command -v sudo >/dev/null ||
                        die "packages are missing (above), and this is neither root nor is there sudo: install them as root"
                # Without a terminal nobody could type a password: fail rather than wait.
                if [[ -t 0 ]]; then run=(sudo "${run[@]}"); else run=(sudo -n "${run[@]}"); fi
        fi
        quietly "${run[@]}" "$@" </dev/null || die "apt-get $1 failed (its output is above)"
}

# Installs what is missing of the groups named, and says what and why.
need() {
        local package reason missing=()
        if ! command -v dpkg-query >/dev/null; then
                say "not a Debian system: expecting the packages listed in packaging/packages.sh, or their like, to be there"
                return
        fi
        while IFS=$'\t' read -r package reason; do
                is_installed "$package" && continue
                say "missing, to be installed: $package ($reason)"
                missing+=("$package")
        done < <(packages_of "$@")
        if [[ ${#missing[@]} -gt 0 ]]; then
                as_root_apt update
                as_root_apt install --no-install-recommends "${missing[@]}"
        fi
}
