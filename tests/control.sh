# SPDX-License-Identifier: MIT
# Clients of --control that never read, send nonsense or come in crowds harm nobody but themselves.
. "$srcdir/tests/lib.sh"

need python3
ctl=$top_builddir/aio-sandbox-ctl
mark
mkfifo "$tmp/out"
truncate -s 4096 "$tmp/file"
timeout 100 "$AIO_SANDBOX" --control="$tmp/socket" "$top_builddir/tests/victim_hostile" held "$tmp/file" \
	>"$tmp/out" 2>"$tmp/err" &
us=$!
read -r line <"$tmp/out"
is 'the program waits' "$line" held
run "$ctl" "$tmp/socket" list
is 'all of its requests are listed' "$status $(printf '%s\n' "$out" | wc -l)" '0 800'

cat >"$tmp/clients.py" <<'EOF'
import socket, sys

def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    return s

held = []
for _ in range(14):             # ask without end and never read
    s = connect()
    s.setblocking(False)
    try:
        while True:
            s.send(b"list\n" * 100)
    except BlockingIOError:
        held.append(s)
for nonsense in (b"x" * (1 << 20), bytes(range(256)) * 100, b"\n" * 5, b"list"):
    s = connect()
    try:
        s.sendall(nonsense)
    except OSError:
        pass
    s.close()
s = connect()                   # the others have been dropped
s.sendall(b"list\n")
answer = s.makefile("rb")
lines = 0
while answer.readline() not in (b"", b"\n"):
    lines += 1
print(lines, flush=True)
held += [s, connect()]
held[-1].sendall(b"\n")
held[-1].recv(100)              # 16 places are taken
print("full", flush=True)
sys.stdin.read()
EOF
mkfifo "$tmp/in" "$tmp/words"
timeout 60 python3 "$tmp/clients.py" "$tmp/socket" <"$tmp/in" >"$tmp/words" &
clients=$!
exec 4>"$tmp/in" 5<"$tmp/words"
read -r line <&5 || line=nothing
is 'who asks is answered beside them' "$line" 800
read -r line <&5 || line=nothing
is 'all places are taken' "$line" full
run "$ctl" "$tmp/socket" list
is 'one too many: status' "$status" 1
like 'and is told' "$err" "aio-sandbox-ctl: $tmp/socket: the answer ends early: *too many clients"
run timeout 30 "$AIO_SANDBOX" --control="$tmp/socket" true
is 'nor does another run take the socket away' "$status" 125
exec 4>&- 5<&-
status=0
wait $clients || status=$?
is 'the clients end' "$status" 0
while run "$ctl" "$tmp/socket" list && [ "$status" -ne 0 ] && [ -e /proc/$us ]; do :; done
is 'then there is room again' "$status $(printf '%s\n' "$out" | wc -l)" '0 800'

rm "$tmp/socket"
: >"$tmp/socket"
kill -TERM "$(pgrep -P $us)"
status=0
wait $us || status=$?
is 'the program ends as ever' "$status" 143
check 'what took the place of the socket is left alone' test -f "$tmp/socket"
run "$ctl" "$tmp/socket" list
like 'a socket without anybody' "$status $err" '1 *: Connection refused'
nothing_left
done_testing
