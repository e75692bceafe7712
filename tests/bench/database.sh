# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# MariaDB under sysbench's oltp_read_write, with eight threads and a buffer pool a tenth of the data. The server is what is
# measured; sysbench runs beside it, on the same CPU if all is on one. Requests per second are transactions.
database_tables=4
database_rows=150000	# of each table
database_server=
database_near=()	# what is put before sysbench
PATH=$PATH:/usr/sbin:/sbin

database_sql() { mariadb --no-defaults --socket="$database_run/socket" --user=root -N -B "$@"; }

database_sysbench() { # THREADS OPTIONS... COMMAND
	timeout -k 5 600 "${database_near[@]}" sysbench oltp_read_write --db-driver=mysql --mysql-socket="$database_run/socket" --mysql-user=root \
		--mysql-db=bench --tables=$database_tables --table-size=$database_rows --rand-type=uniform --percentile=99 \
		--threads="$1" "${@:2}" </dev/null
}

# Sets why if there is something missing.
database_missing() {
	local tool
	for tool in mariadbd mariadb-install-db mariadb sysbench; do
		have $tool || { why="$tool is not installed"; return 0; }
	done
	sysbench oltp_read_write help >/dev/null 2>&1 || { why="sysbench has no oltp_read_write"; return 0; }
	! room "$tmp" 1000
}

database_settings() { # MIB
	cat <<END
[mariadbd]
user=$(id -un)
datadir=$tmp/database
socket=$database_run/socket
log-error=$tmp/database.log
skip-networking
skip-name-resolve
skip-log-bin
performance-schema=OFF
loose-innodb-linux-aio=aio
innodb-use-native-aio=ON
innodb-flush-method=O_DIRECT
innodb-log-file-size=128M
innodb-buffer-pool-size=${1}M
innodb-buffer-pool-dump-at-shutdown=OFF
innodb-buffer-pool-load-at-startup=OFF
END
}

# The server under the launcher, with $timed around it as in measured(). Fails with $why.
database_start() {
	local tries=0 TIMEFORMAT='%U %S'
	{ time timeout -k 5 "$limit" "${launcher[@]}" bash -c "$timed" "$tmp/prog" mariadbd \
		--defaults-file="$tmp/my.cnf" >"$tmp/out" 2>"$tmp/err" </dev/null; } 2>"$tmp/tree" &
	database_server=$!
	until database_sql -e 'SELECT 1' >/dev/null 2>&1; do
		tries=$((tries + 1))
		if ! kill -0 $database_server 2>/dev/null || [ $tries -gt 600 ]; then
			database_stop
			why="the server does not start: $(tail -n 1 "$tmp/database.log")"
			return 1
		fi
		sleep 0.1	# the server gives no event
	done
	grep -q 'Using Linux native AIO' "$tmp/database.log" && return
	database_stop
	why="this server does not use native AIO"
	return 1
}

# Fails with $why; nothing is left running, for timeout ends what does not end itself.
database_stop() {
	local status=0
	[ -n "$database_server" ] || return 0
	database_sql -e SHUTDOWN >/dev/null 2>&1
	wait "$database_server" || status=$?
	database_server=
	[ $status -eq 0 ] || { why_not $status; return 1; }
}

# Files, tables and the size of the buffer pool, once. Fails with $why.
database_prepare() {
	local mib limit=600
	launcher=()
	database_run=$(mktemp -d) || return 1
	cleanup() { database_stop; rm -rf "$database_run"; }
	database_settings 256 >"$tmp/my.cnf"
	mkdir "$tmp/database"
	timeout -k 5 120 mariadb-install-db --defaults-file="$tmp/my.cnf" --auth-root-authentication-method=normal \
		--skip-test-db --user="$(id -un)" >"$tmp/err" 2>&1 </dev/null ||
		{ why="mariadb-install-db: $(tail -n 1 "$tmp/err")"; return 1; }
	database_start || return 1
	database_sql -e 'CREATE DATABASE bench; SET GLOBAL innodb_flush_log_at_trx_commit = 0'
	database_sysbench $database_tables prepare >"$tmp/prepare" 2>&1 ||
		{ why="sysbench prepare: $(tail -n 1 "$tmp/prepare")"; database_stop; return 1; }
	database_stop || return 1
	mib=$(du -sm "$tmp/database/bench" | cut -f1)
	database_settings $((mib / 10)) >"$tmp/my.cnf"
	note "mariadb: $mib MiB of data, buffer pool of $((mib / 10)) MiB"
}

# One run, after a second that is not measured: sets iops, clat and lat (us), prog and sup (CPU us per transaction; start and
# end of the server are in it). Fails with $why.
database_one_run() { # SIDE
	launcher_of "$1"
	: >"$tmp/database.log"
	database_start || return 1
	[[ "$1" != *-1cpu ]] || database_near=(taskset -c "$cpu")
	if ! { database_sysbench 8 --time=1 run && database_sysbench 8 --time="$seconds" run; } >"$tmp/sysbench" 2>&1; then
		why="sysbench: $(grep -i -m 1 fatal "$tmp/sysbench")"
		database_near=()
		database_stop
		return 1
	fi
	database_near=()
	database_stop && intercepted "$1" || return 1
	sup=
	read -r iops clat lat prog sup < <(awk -v prog="$(cat "$tmp/prog")" -v tree="$(cat "$tmp/tree")" '
		/transactions:/ { n += $2; rate = substr($3, 2) + 0 }
		/99th percentile:/ { p99 = $3 * 1000 }
		END {
			split(prog, a, " "); split(tree, t, " ")
			cpu = a[1] + a[2]; rest = t[1] + t[2] - cpu
			if (n > 0)
				printf "%.1f %.1f %.1f %.2f %.2f\n", rate, p99, p99, cpu * 1e6 / n, (rest > 0 ? rest : 0) * 1e6 / n
		}' "$tmp/sysbench")
	[ -n "$sup" ] || { why="sysbench told nothing of its transactions"; return 1; }
}

# All tables, read and checked by a server in the sandbox, after all that was written in it.
database_verify() { # NAME
	local side result='' limit=$((limit + 240))
	for side in trap shim; do
		[[ " ${sides[*]} " = *" $side "* ]] || continue
		launcher_of $side
		database_start || return 1
		timeout -k 5 "$limit" mariadb-check --no-defaults --socket="$database_run/socket" --user=root bench \
			>"$tmp/checked" 2>&1
		if [ "$(grep -c '[[:space:]]OK$' "$tmp/checked")" -ne $database_tables ]; then
			why="CHECK TABLE in $side: $(grep -v -m 1 '[[:space:]]OK$' "$tmp/checked")"
			database_stop
			return 1
		fi
		database_stop && intercepted $side || return 1
		result="$result $side"
	done
	note "$1: verified:$result"
	[ -z "$result" ] || echo "$1$result" >>"$tmp/verified"
}

database_measure() { # SIDE...
	local round side
	[ "${BENCH_VERIFY-}" != only ] || return 0
	: >"$tmp/runs"
	for ((round = 0; round < runs; round++)); do
		for side in $(in_turn $round "$@"); do
			database_one_run "$side" || { why="the run of $side failed: $why"; return 1; }
			echo "$side $round $iops $clat $lat $prog $sup 0" >>"$tmp/runs"
		done
	done
}

database_row() { # NAME TITLE MUSTS TRAP_MUST
	if database_missing; then
		give_up "$1" "$2" "skipped: $why"
		return 0
	fi
	if ! database_prepare || ! database_measure "${sides[@]}"; then
		give_up "$1" "$2" "$why"
		return 1
	fi
	[ "${BENCH_VERIFY-}" = only ] || judge "$1" "$2" "$3" "$4" - -
	[ "${BENCH_VERIFY-}" = no ] || database_verify "$1" || { give_up "$1" "$2" "$why"; return 1; }
}
