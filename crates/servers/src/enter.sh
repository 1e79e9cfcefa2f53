# Enters itself in the list $2 of what the watchdog ends, by signal $1, then becomes the rest of
# its arguments. Without a list there is no owner any more, and nothing to become.
set -e
echo "$1" >"$2/$$"
shift 2
exec "$@"
