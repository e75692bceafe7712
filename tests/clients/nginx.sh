#!/bin/sh
# SPDX-License-Identifier: MIT
# nginx with `aio on; directio`: O_DIRECT reads whose end an eventfd tells to an epoll loop, from forked workers under
# load. If this fails, a server sends wrong bytes, or stalls. No distribution builds it with file AIO, hence from source.
. "$srcdir/tests/lib.sh"
. "$srcdir/tests/clients/client.sh"
. "$srcdir/tests/conformance/fetch.sh"
need cc make curl cmp awk
need_kernel_aio
mark

# what it takes to serve files, and no library
build_nginx()
{
	off='pcre http_rewrite_module http_gzip_module http_proxy_module http_fastcgi_module http_uwsgi_module
		http_scgi_module http_grpc_module http_memcached_module http_ssi_module http_userid_module http_mirror_module
		http_autoindex_module http_geo_module http_map_module http_split_clients_module http_referer_module
		http_browser_module http_empty_gif_module http_limit_conn_module http_limit_req_module
		http_auth_basic_module http_upstream_hash_module http_upstream_ip_hash_module
		http_upstream_least_conn_module http_upstream_random_module http_upstream_keepalive_module
		http_upstream_zone_module'
	# shellcheck disable=SC2046,SC2086
	./configure --with-file-aio --with-cc-opt='-O1 -w' $(printf -- '--without-%s ' $off)
	make -s -j"$(getconf _NPROCESSORS_ONLN)"
	objs/nginx -V
}
fetch_built nginx build_nginx
mkdir "$disk/files" "$disk/got"
# workers of a master that is root are somebody else
chmod 755 "$disk" "$disk/files"
server=
client_cleanup() { [ -z "$server" ] || marked | xargs -r kill -9 2>/dev/null || :; }

cat >"$disk/nginx.conf" <<END
daemon off;
user root;
worker_processes 2;
pid $tmp/pid;
error_log $tmp/error.log info;
events { worker_connections 256; worker_aio_requests 32; }
http {
	access_log off;
	client_body_temp_path $tmp/body;
	default_type application/octet-stream;
	server {
		listen unix:$tmp/socket;
		root $disk/files;
		sendfile off;
		aio on;
		directio 4k;
		output_buffers 2 64k;
		location /one/ { alias $disk/files/; output_buffers 1 512k; }
	}
}
END
[ "$(id -u)" -eq 0 ] || sed -i '/^user/d' "$disk/nginx.conf"

# files of odd sizes, whose last piece is no whole block; small ones are not read by AIO
head -c 8388608 /dev/urandom >"$disk/random"
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	head -c $((i * i * 50000 + i * 77)) "$disk/random" >"$disk/files/$i"
done
sync

start() # NAME COMMAND...
{
	start_name=$1
	shift
	"$@" "$source/objs/nginx" -p "$tmp" -e "$tmp/error.log" -c "$disk/nginx.conf" \
		>"$tmp/$start_name.out" 2>"$tmp/$start_name.err" 7>&- &
	server=$!
	tries=0
	until curl -s -f -o "$tmp/first" --unix-socket "$tmp/socket" http://x/1 || [ $tries -ge 200 ]; do
		tries=$((tries + 1))
		kill -0 $server 2>/dev/null || break
		sleep 0.05	# the server gives no event
	done
	check "$start_name: the server serves" cmp "$tmp/first" "$disk/files/1"
}

# Eight clients at once, each of which takes whole files and pieces, and compares all of them.
client() # NUMBER ROUNDS
{
	awk -v client="$1" -v rounds="$2" -v dir="$disk/got" -v socket="$tmp/socket" 'BEGIN {
		for (n = 0; n < rounds; n++) {
			file = (n * 5 + client) % 12 + 1
			size = file * file * 50000 + file * 77
			from = (n * 7919 + client * 104729) % size
			to = from + (n * 31337 + client * 31) % (size - from)
			range = n % 3 == 0 ? "" : from "-" to
			out = dir "/" client "." n
			print "unix-socket = " socket "\nsilent\nfail\nmax-time = 50"
			print "url = http://x/" (n % 2 ? "one/" : "") file "\noutput = " out
			if (range != "")
				print "range = " range
			if (n < rounds - 1)
				print "next"
			print out, file, range == "" ? 0 : from, range == "" ? size : to - from + 1 >(dir "/" client ".list")
		}
	}' >"$disk/got/$1.config"
	curl -K "$disk/got/$1.config" || return
	while read -r out file from size; do
		[ "$(stat -c %s "$out")" -eq "$size" ] || return
		cmp -n "$size" -i "0:$from" "$out" "$disk/files/$file" || return
		rm "$out"
	done <"$disk/got/$1.list"
}
load() # NAME ROUNDS
{
	for c in 1 2 3 4 5 6 7 8; do
		client $c "$2" >"$tmp/client.$c" 2>&1 7>&- &
		eval "client_$c=\$!"
	done
	bad=
	for c in 1 2 3 4 5 6 7 8; do
		eval "job=\$client_$c"
		# shellcheck disable=SC2154
		wait "$job" || bad="$bad client $c: $? $(tail -n 1 "$tmp/client.$c")"
	done
	is "$1: every byte of every answer" "$bad" ""
}

stop() # NAME
{
	kill -QUIT "$(cat "$tmp/pid")"
	status=0
	wait $server || status=$?
	server=
	ended "$1" 0
	is "$1: its log has no alert" "$(grep -E '\[(alert|crit|emerg|error)\]' "$tmp/error.log" | head -n 3)" ""
	rm -f "$tmp/error.log"
}

aio_nr_take
start natively
load natively 10
stop natively
aio_nr_leave
watch_aio_nr sandboxed
# shellcheck disable=SC2086
start sandboxed "$AIO_SANDBOX" ${AIO_SANDBOX_FLAGS-} -v -- sh -c "$inside" "$tmp/sandboxed.inside"
load sandboxed 30
stop sandboxed
unwatch_aio_nr sandboxed
served sandboxed 500 "$any"
nothing_left
done_testing
