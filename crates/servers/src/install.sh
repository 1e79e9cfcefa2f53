# Installs the Debian packages that are its arguments, without starting the services they bring.
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    # Packages ask it whether they may start something. Where there is one, it is the administrator's.
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
install() {
    apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
}
# The lists of a fresh machine are empty, those of an old one name packages that are gone.
install "$@" || { apt-get update && install "$@"; }
