# SPDX-License-Identifier: MIT
# Third-party source for tests, from the source packages of the machine's own Debian archive: fetched when a test runs,
# verified by apt (signed release file, hash of the index, hash of each file), kept in the build directory.
#
# fetch PACKAGE		unpacks PACKAGE with Debian's patches; $source is its directory. Skips the script where it cannot
#			be had.
# fetch_built PACKAGE FUNCTION	that, and FUNCTION has run in it, once for this version of the calling script.
#
# fetch_program PACKAGE	unpacks the binary package, without installing it, as that would start a daemon; $program is the
#			directory. What it depends on must be installed.
#
# Nothing of the machine changes: apt gets a source list derived from the machine's own, and state and cache directories
# of its own. No privilege is needed.

sources=$top_builddir/sources
apt_limit=90	# seconds for one apt-get
retry_min=10	# minutes in which an archive that had it not is not asked again

# One-line lists and deb822 files: what the machine takes programs from, as places of source packages.
fetch_lists()
{
	rm -rf "$sources/apt/parts"
	mkdir -p "$sources/apt/parts" "$sources/apt/state/lists/partial" "$sources/apt/cache/archives/partial"
	for fetch_list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ ! -r "$fetch_list" ] || sed -n 's/^[[:space:]]*deb[[:space:]]/deb-src /p' "$fetch_list" |
			grep -v cdrom: >"$sources/apt/parts/${fetch_list##*/}.list" || :
	done
	for fetch_list in /etc/apt/sources.list.d/*.sources; do
		[ ! -r "$fetch_list" ] || sed 's/^Types:.*/Types: deb-src/' "$fetch_list" \
			>"$sources/apt/parts/${fetch_list##*/}"
	done
	# read after the machine's own configuration, whose hooks are not for this
	cat >"$sources/apt/config" <<-END
		Dir::Etc::SourceList "/dev/null";
		Dir::Etc::SourceParts "$sources/apt/parts";
		Dir::State::Lists "$sources/apt/state/lists";
		Dir::Cache "$sources/apt/cache";
		APT::Sandbox::User "";
		Acquire::Languages "none";
		Acquire::Retries "1";
		Acquire::http::Timeout "15";
		Acquire::https::Timeout "15";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	END
}

fetch_apt() { timeout -k 5 $apt_limit "$@" >>"$sources/log" 2>&1 </dev/null; }

# The newest version first. A mirror may lack one that its index still names.
fetch_versions() { apt-cache -c="$sources/apt/config" showsrc --only-source "$1" | sed -n 's/^Version: //p' | sort -Vru; }

fetch_download() # PACKAGE, into the current directory
{
	for fetch_version in $(fetch_versions "$1" 2>>"$sources/log"); do
		rm -f ./*
		! fetch_apt apt-get -c="$sources/apt/config" -q source --download-only "$1=$fetch_version" || return 0
	done
	return 1
}

# What dpkg-source does with format 3.0 (quilt), without needing it.
fetch_unpack() # PACKAGE DIRECTORY
{
	mkdir "$2"
	tar -xf "$1"_*.orig.tar.* -C "$2" --strip-components=1
	tar -xf "$1"_*.debian.tar.* -C "$2"
	[ -e "$2/debian/patches/series" ] || return 0
	sed 's/#.*//' "$2/debian/patches/series" | while read -r fetch_patch _; do
		[ -z "$fetch_patch" ] || patch -s -f -d "$2" -p1 <"$2/debian/patches/$fetch_patch"
	done
}

fetch_now() # PACKAGE
{
	[ ! -d "$source" ] || return 0
	[ -z "$(find "$sources" -maxdepth 1 -name "$1.refused" -mmin -$retry_min)" ] ||
		skip_all "no source package $1 could be had, less than $retry_min minutes ago (see $sources/log)"
	need apt-get apt-cache patch tar timeout xz
	fetch_lists
	rm -rf "$sources/$1.new"
	mkdir "$sources/$1.new"
	cd "$sources/$1.new"
	# the index as it is first: it is 10 MB to get it again
	if ! fetch_download "$1"; then
		fetch_apt apt-get -c="$sources/apt/config" -q update || :
		fetch_download "$1" || {
			touch "$sources/$1.refused"
			skip_all "no source package $1 can be had (see $sources/log)"
		}
	fi
	fetch_unpack "$1" unpacked >>"$sources/log" 2>&1 || {
		not_ok "the source package $1 unpacks (see $sources/log)"
		done_testing
		exit
	}
	mv unpacked "$sources/$1"
	cd "$fetch_back"
	rm -r "$sources/$1.new"
}

# Scripts may run at the same time.
fetch_locked() # COMMAND...
{
	mkdir -p "$sources"
	fetch_back=$PWD
	if have flock; then
		exec 8<"$sources"
		flock 8
	fi
	"$@"
	exec 8<&-
}

fetch()
{
	source=$sources/$1
	[ -d "$source" ] || fetch_locked fetch_now "$1"
}

fetch_program_now() # PACKAGE
{
	[ ! -d "$program" ] || return 0
	need apt-get dpkg-deb timeout
	fetch_lists
	rm -rf "$program.new"
	mkdir "$program.new"
	cd "$program.new"
	# by the lists of the machine, from which it would be installed
	fetch_apt apt-get -q -o Dir::Cache="$sources/apt/cache" -o APT::Sandbox::User= download "$1" ||
		skip_all "no package $1 can be had (see $sources/log)"
	dpkg-deb -x "$1"_*.deb unpacked
	mv unpacked "$program"
	cd "$fetch_back"
	rm -r "$program.new"
}

fetch_program()
{
	program=$sources/$1.program
	[ -d "$program" ] || fetch_locked fetch_program_now "$1"
}

fetch_build() # FUNCTION
{
	[ -z "$(find "$source/built" -newer "$0" 2>/dev/null)" ] || return 0
	set +e		# not a condition, which would switch it off in the function too
	(set -e; cd "$source"; "$1") >"$source/build.log" 2>&1 8<&-
	fetch_status=$?
	set -e
	if [ $fetch_status -ne 0 ]; then
		not_ok "the source in $source builds"
		tail -n 20 "$source/build.log" | sed 's/^/# /'
		done_testing
		exit
	fi
	touch "$source/built"
}

fetch_built()
{
	fetch "$1"
	fetch_locked fetch_build "$2"
}
