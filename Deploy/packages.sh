# Sourced by Deploy/run and Deploy/test: what they need from the distribution, and how it gets here.

# What building takes.
build_packages=(librocksdb-dev libssl-dev zlib1g-dev git ca-certificates)

# Runs a command as root.
as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif command -v sudo > /dev/null; then
        sudo "$@"
    else
        die "\"$*\" needs root: run this as root, or install sudo"
    fi
}

# Installs those of the packages that are missing. Services that packages bring along are not started.
install_missing() {
    local package missing=()
    for package in "$@"; do
        if ! dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2> /dev/null | grep -qx installed; then
            missing+=("$package")
        fi
    done
    if [[ ${#missing[@]} == 0 ]]; then return; fi
    command -v apt-get > /dev/null || die "apt-get is not there: install the equivalents of ${missing[*]} by hand"
    say "Installing ${missing[*]}"
    if [[ " ${missing[*]} " == *" postfix "* ]]; then
        echo "postfix postfix/main_mailer_type select No configuration" | as_root debconf-set-selections
    fi
    # Only packages that are not there yet have their services kept from starting; an existing policy stays.
    local policy=/usr/sbin/policy-rc.d made_policy=no
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" > /dev/null
        as_root chmod 755 "$policy"
        made_policy=yes
    fi
    local status=0
    {
        as_root apt-get -qq update &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}" \
                > /dev/null
    } || status=$?
    if [[ $made_policy == yes ]]; then as_root rm -f "$policy"; fi
    [[ $status == 0 ]] || die "the packages could not be installed; the lines above say why"
}

require_swift() {
    command -v swift > /dev/null ||
        die "Swift is not there: install Swift 6.3 from https://www.swift.org/install, and put it into PATH"
    local version
    version=$(swift --version 2>&1 | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)
    if [[ $(printf '6.2\n%s\n' "$version" | sort --version-sort | head -n 1) != 6.2 ]]; then
        die "Swift $version is too old: Swift 6.3 is needed"
    fi
    # Swift brings a C++ compiler, but not its library.
    if ! echo '#include <string>' | "$(dirname "$(readlink -f "$(command -v swift)")")/clang" -x c++ -fsyntax-only - \
        2> /dev/null; then
        build_packages+=(g++)
    fi
}

say() { printf '\n==> %s\n' "$*"; }
die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}
