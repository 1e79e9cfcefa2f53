# Makes a folder, prints its path and waits until the owner closes standard input or is gone, however it ended.
# Then ends all that is listed in the folder and removes it.
trap '' INT TERM HUP PIPE
# Not TMPDIR: the path of a Unix socket has about a hundred bytes, and other users must get there.
folder=$(mktemp -d /tmp/cloakroom-XXXXXX) && mkdir "$folder/running" && echo "$folder"
exec >/dev/null
read -r _
cd /
# Nobody can enter the list any more: `enter.sh` fails without the folder it writes to.
mv "$folder/running" "$folder/ending"
tries=0
for entry in "$folder"/ending/*; do
    pid=${entry##*/}
    signal=
    read -r signal <"$entry"
    # It wants to end by itself, and gets five seconds.
    [ "$signal" = QUIT ] && tries=50
    # What has not written its signal yet is no server yet.
    kill -s "${signal:-KILL}" -- "$pid"
    kill -s CONT -- "$pid"
done
# PostgreSQL frees its shared memory before it removes this file.
lock=$folder/data/postmaster.pid
while [ -e "$lock" ] && [ "$tries" -gt 0 ]; do
    sleep 0.1
    tries=$((tries - 1))
done
for entry in "$folder"/ending/*; do
    kill -s KILL -- "-${entry##*/}"
done
# It crashed, and was not started again: its seventh line is the key and the id of the segment.
if [ -e "$lock" ]; then
    segment=$(sed -n 7p "$lock")
    ipcrm -m "${segment##* }"
fi
# What was just killed may still be writing.
tries=50
until rm -rf -- "$folder" || [ "$tries" -eq 0 ]; do
    sleep 0.1
    tries=$((tries - 1))
done
