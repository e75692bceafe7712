#!/bin/sh
# SPDX-License-Identifier: MIT
# MariaDB with native AIO, killed in the middle of commits ten times, recovered in the sandbox and natively in turn: if
# this fails, the sandbox loses or damages what a database had been promised.
#
# A round starts the server (which recovers from the last kill), compares all rows with what awk says they must be, runs
# four clients that commit one transaction after the other and note each acknowledged one, and kills mariadbd.
# The rows: t(id, k, c) of $rows rows by formula. Transaction n of client w inserts (w, n) into done and changes one row of
# its own quarter of t. So the last n of each client tells the whole content of t.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/clients/client.sh"
PATH=$PATH:/usr/sbin:/sbin
need mariadbd mariadb-install-db mariadb awk cksum

rounds=${MARIADB_ROUNDS:-10}
rows=80000
clients=4
data=$disk/data
socket=$tmp/socket
user=$(id -un)
server=
start_limit=600	# tenths of a second

client_cleanup()
{
	[ -n "$server" ] || return 0
	[ ! -s "$data/pid" ] || kill -9 "$(cat "$data/pid")" 2>/dev/null || :
	kill -9 "$server" 2>/dev/null || :
}

cat >"$disk/my.cnf" <<END
[mariadbd]
user=$user
datadir=$data
socket=$socket
pid-file=$data/pid
skip-networking
skip-name-resolve
skip-log-bin
loose-innodb-linux-aio=aio
innodb-use-native-aio=ON
innodb-flush-method=O_DIRECT
innodb-buffer-pool-size=16M
innodb-log-file-size=8M
innodb-fast-shutdown=0
performance-schema=OFF
aria-log-file-size=8M
local-infile=ON
END

sql() { mariadb --no-defaults --socket="$socket" --user=root --local-infile=1 -N -B "$@"; }

# The rows that must be there, given the last transaction of each client.
# c is long, so that changed rows make many dirty pages: the buffer pool holds less than the table.
wanted_rows() # LAST1 LAST2 LAST3 LAST4
{
	awk -v rows=$rows -v clients=$clients -v lasts="$*" '
		function target(w, n) { return ((n * 7919 + w * 104729) % (rows / clients)) * clients + w }
		BEGIN {
			split(lasts, last, " ")
			for (w = 1; w <= clients; w++)
				for (n = 1; n <= last[w]; n++) {
					id = target(w, n)
					k[id] += n
					change[id] = n
				}
			for (i = 0; i < 40; i++)
				pad = pad "abcdefg" i
			for (id = 1; id <= rows; id++)
				printf "%d\t%d\t%d-%d-%s\n", id, id * 7919 % 1000003 + k[id], id * 31, change[id] + 0, pad
		}'
}

# Transactions after LAST of client W. The client prints n when its commit has been acknowledged.
transactions() # W LAST
{
	awk -v rows=$rows -v clients=$clients -v w="$1" -v last="$2" 'BEGIN {
		for (n = last + 1; n <= last + 50000; n++) {
			id = ((n * 7919 + w * 104729) % (rows / clients)) * clients + w
			print "BEGIN;"
			printf "INSERT INTO done VALUES (%d, %d);\n", w, n
			printf "UPDATE t SET k = k + %d, c = CONCAT(%d, \"-%d-\", SUBSTRING_INDEX(c, \"-\", -1)) WHERE id = %d;\n",
				n, id * 31, n, id
			printf "COMMIT;\nSELECT %d;\n", n
		}
	}'
}

# start sandbox|native NAME: the server runs in the background with its files named NAME
start()
{
	rm -f "$data/pid"
	if [ "$1" = sandbox ]; then
		watch_aio_nr "$2"
		# shellcheck disable=SC2086
		"$AIO_SANDBOX" ${AIO_SANDBOX_FLAGS-} -v -- sh -c "$inside" "$tmp/$2.inside" \
			mariadbd --defaults-file="$disk/my.cnf" --log-error="$tmp/$2.log" \
			>"$tmp/$2.out" 2>"$tmp/$2.err" 7>&- &
	else
		mariadbd --defaults-file="$disk/my.cnf" --log-error="$tmp/$2.log" \
			>"$tmp/$2.out" 2>"$tmp/$2.err" 7>&- &
	fi
	server=$!
	tries=0
	until sql -e 'SELECT 1' >/dev/null 2>&1; do
		tries=$((tries + 1))
		if ! kill -0 "$server" 2>/dev/null || [ $tries -gt $start_limit ]; then
			not_ok "$2: the server starts"
			tail -n 30 "$tmp/$2.log" "$tmp/$2.err" | sed 's/^/# /'
			[ -z "$sampler" ] || unwatch_aio_nr "$2"
			done_testing
			exit 0
		fi
		sleep 0.1	# the server gives no event
	done
	ok "$2: the server starts"
}

# ends NAME sandbox|native STATUS: the background server, or the sandbox around it, has ended with this status
ends()
{
	status=0
	wait "$server" 2>/dev/null || status=$?
	server=
	is "$1: the $2 server ends with status $3" "$status" "$3"
	if [ "$2" = sandbox ]; then
		unwatch_aio_nr "$1"
		check "$1: the log says that native AIO is used" grep -q 'Using Linux native AIO' "$tmp/$1.log"
		served "$1" 1 "$any"
	fi
}

# acknowledged W: the last transaction that client W saw committed, in any round
acknowledged() { cat "$tmp/ack.$1".* 2>/dev/null | sort -n | tail -n 1; }

# done holds 1..last of each client, and last is what was acknowledged or the one after it
last_transactions() # sets $lasts
{
	lasts=
	wrong=
	sql -D test -e 'SELECT w, MAX(n), COUNT(*), MIN(n) FROM done GROUP BY w ORDER BY w' >"$tmp/lasts"
	for w in 1 2 3 4; do
		last=$(awk -v w=$w '$1 == w && $2 == $3 && $4 == 1 { print $2 }' "$tmp/lasts")
		ack=$(acknowledged $w)
		[ -n "$last" ] && [ "$last" -ge "${ack:-0}" ] && [ "$last" -le $((${ack:-0} + 1)) ] ||
			wrong="$wrong client $w: acknowledged ${ack:-none}, has '$(grep "^$w" "$tmp/lasts" || :)';"
		lasts="$lasts ${last:-0}"
	done
}

compare() # NAME
{
	if [ -s "$tmp/ack.1.1" ]; then
		last_transactions
		is "$1: every acknowledged transaction is there, and no other" "$wrong" ""
	else
		lasts="0 0 0 0"
	fi
	sql --quick -D test -e 'SELECT id, k, c FROM t ORDER BY id' >"$disk/got"
	# shellcheck disable=SC2086
	wanted_rows $lasts >"$disk/wanted"
	is "$1: the checksum of all rows" "$(cksum <"$disk/got")" "$(cksum <"$disk/wanted")"
	cmp "$disk/got" "$disk/wanted" >"$tmp/cmp" 2>&1 || diag_file "$tmp/cmp"
}

# Commits from all clients until each has seen hundreds acknowledged; then mariadbd dies amid them.
commit_and_kill() # NAME ROUND
{
	for w in 1 2 3 4; do
		transactions $w "$(echo "$lasts" | awk -v w=$w '{ print $w }')" >"$disk/sql.$w"
		sql --unbuffered -D test <"$disk/sql.$w" >"$tmp/ack.$w.$2" 2>/dev/null 7>&- &
		eval "client_$w=\$!"
	done
	tries=0
	while [ "$(cat "$tmp"/ack.*."$2" | wc -l)" -lt $((1500 + 100 * $2)) ] && [ $tries -lt 600 ]; do
		tries=$((tries + 1))
		sleep 0.05	# the clients' files give no event
	done
	kill -9 "$(cat "$data/pid")"
	# shellcheck disable=SC2154
	for pid in $client_1 $client_2 $client_3 $client_4; do wait "$pid" || :; done
	acks=$(cat "$tmp"/ack.*."$2" | wc -l)
	check "$1: killed amid commits, $acks acknowledged" between "$acks" $((1500 + 100 * $2)) $((4 * 50000 - 1))
}

mkdir "$data"
client_limit=120
sandboxed init mariadb-install-db --defaults-file="$disk/my.cnf" --auth-root-authentication-method=normal \
	--skip-test-db --user="$user"
ended init 0
served init 1 "$any"

# Initialise and load in the sandbox; end the way databases should.
start sandbox load
sql -e "CREATE DATABASE test; USE test;
	CREATE TABLE t (id INT PRIMARY KEY, k BIGINT, c VARCHAR(400)) ENGINE=InnoDB CHARSET=latin1;
	CREATE TABLE done (w INT, n INT, PRIMARY KEY (w, n)) ENGINE=InnoDB;"
wanted_rows 0 0 0 0 >"$disk/wanted"
sql -D test -e "LOAD DATA LOCAL INFILE '$disk/wanted' INTO TABLE t"
compare load
sql -e SHUTDOWN
ends load sandbox 0
check "load: the table is larger than the buffer pool" [ "$(stat -c %s "$data/test/t.ibd")" -gt 16777216 ]

round=1
while [ $round -le "$rounds" ]; do
	case $((round % 2)) in 1) how=native ;; 0) how=sandbox ;; esac
	start "$how" "round-$round"
	compare "round-$round"
	commit_and_kill "round-$round" "$round"
	ends "round-$round" "$how" 137
	round=$((round + 1))
done

case $((round % 2)) in 1) how=native ;; 0) how=sandbox ;; esac
start "$how" last
compare last
sql -e SHUTDOWN
ends last "$how" 0
done_testing
