# Waits until the owner closes standard input or is gone, however it ended. Then ends all that
# is listed in the folder $1 and removes the folder.
trap '' INT TERM HUP
read -r _
cd /
# Nobody can enter the list any more: `enter.sh` fails without the folder it writes to.
mv "$1/running" "$1/ending" || exit
for entry in "$1"/ending/*; do
    pid=${entry##*/}
    read -r signal <"$entry"
    # What has not written its signal yet is no server yet.
    kill -s "${signal:-KILL}" -- "$pid"
    kill -s CONT -- "$pid"
done
# PostgreSQL frees its shared memory before it removes this file.
lock=$1/data/postmaster.pid
tries=50
while [ -e "$lock" ] && [ "$tries" -gt 0 ]; do
    sleep 0.1
    tries=$((tries - 1))
done
for entry in "$1"/ending/*; do
    kill -s KILL -- "-${entry##*/}"
done
# It crashed, and was not started again: its seventh line is the key and the id of the segment.
if [ -e "$lock" ]; then
    segment=$(sed -n 7p "$lock")
    ipcrm -m "${segment##* }"
fi
# What was just killed may still be writing.
tries=50
until rm -rf -- "$1" || [ "$tries" -eq 0 ]; do
    sleep 0.1
    tries=$((tries - 1))
done
