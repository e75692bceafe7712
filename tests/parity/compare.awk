# SPDX-License-Identifier: MIT
# The comparing half of parity.sh: reads its files in the order given there, writes TAP.

function report(good, what, why)
{
	printf "%s %d - %s\n", good ? "ok" : "not ok", ++tests, what
	if (!good && why != "")
		print "# " why
}

BEGIN {
	split("differences expect native.out sandboxed.out native.count sandboxed.count aio-nr", \
	      part, " ")
}

# Which of the files this is; by name, as one may be empty.
FNR == 1 {
	for (file = 1; substr(FILENAME, length(FILENAME) - length(part[file]) + 1) != part[file]; )
		file++
}

# A mode of differences: these flags, or not these when it begins with "!"; none: all.
function in_mode(mode)
{
	return mode ~ /^!/ ? !index(flags, substr(mode, 2)) : mode == "" || index(flags, mode)
}

# differences: victim <TAB> tag <TAB> D number <TAB> sandboxed value.
# --submit=kernel is the mode that has no D1; D3 holds only where the host has no AIO.
file == 1 {
	if ($0 ~ /^(#|$)/)
		next
	split($0, field, "\t")
	if (field[1] == name && !(field[3] == "D1" && flags ~ /--submit=kernel/) && \
	    in_mode(field[5])) {
		number[field[2]] = field[3]
		value[field[2]] = field[4]
	}
	next
}

file <= 4 {
	where = file == 2 ? "expected" : file == 3 ? "native" : "sandboxed"
	at = index($0, ": ")
	if (!at || $0 !~ /^[0-9DT][^ ]*\/[^ ]*: /) {
		report(0, where " output is observations only", $0)
		next
	}
	tag = substr($0, 1, at - 1)
	if ((where, tag) in seen)
		report(0, where " " tag " is printed once", $0)
	seen[where, tag] = substr($0, at + 2)
	if (!(tag in known)) {
		known[tag] = 1
		order[++tags] = tag
	}
	next
}

file == 5 { native[$1] = $2; next }
file == 6 { sandboxed[$1] = $2; next }
file == 7 { before = $2; after = $3 }

function show(where, tag)
{
	return (where, tag) in seen ? seen[where, tag] : "(missing)"
}

# What could not be looked at here, for both alike: "unseen (why)".
function unseen(tag)
{
	return show("native", tag) ~ /^unseen/ && show("native", tag) == show("sandboxed", tag)
}

# A tag's three values: the same natively and sandboxed, or different in the way that is listed.
function compare(tag,    want)
{
	if (number[tag] == "D3" && !native["replaced"])
		delete value[tag]
	want = tag in value ? value[tag] : show("native", tag)
	if (!(("expected", tag) in seen))
		report(0, tag, "not in " name ".expect")
	else if (!(("native", tag) in seen))
		report(0, tag, "missing natively")
	else if (unseen(tag))
		report(1, tag " # SKIP " show("native", tag))
	else if (tag in value && want == seen["expected", tag])
		report(0, tag, "listed as " number[tag] " but the kernel does the same: " want)
	else
		report(show("sandboxed", tag) == want, \
		       tag (tag in value ? " (" number[tag] ": " want ")" : ""), \
		       "native: " show("native", tag) "; sandboxed: " show("sandboxed", tag))
}

# Between what was certainly received and what was called.
function counted(what, seen_by_supervisor, called, broken)
{
	report(seen_by_supervisor != "" && seen_by_supervisor + 0 <= called + 0 && \
	       seen_by_supervisor + 0 >= called - broken, what, \
	       "victim: " called (broken + 0 ? " (" broken " of them uncertain)" : "") \
	       "; supervisor: " (seen_by_supervisor == "" ? "(no such line)" : seen_by_supervisor))
}

END {
	for (i = 1; i <= tags; i++)
		compare(order[i])
	for (tag in value)
		if (!(tag in known))
			report(0, tag, "listed in differences, but never printed")
	report(tags > 0, "there are observations")
	report(native["status"] == 0, "native exit status", native["status"])
	report(sandboxed["status"] == 0, "sandboxed exit status", sandboxed["status"])
	if (!native["replaced"]) {
		report(native["calls"] > 0, "natively there are calls")
		report(native["setup-delta"] == native["setup-nr"] && native["setup-nr"] > 0, \
		       "aio-nr grows natively [2.aio-nr]", native["setup-delta"] " not " native["setup-nr"])
	}
	counted("calls seen by the supervisor", sandboxed["seen-calls"], sandboxed["calls"], \
		sandboxed["broken"])
	counted("requests seen by the supervisor", sandboxed["seen-requests"], \
		sandboxed["requests"], sandboxed["killed"])
	report(sandboxed["setup-nr"] > 0 && sandboxed["setup-delta"] == 0, \
	       "aio-nr during the sandboxed run [D11]", "grew by " sandboxed["setup-delta"])
	report((after - before) % 1024 == 0, "aio-nr before and after the sandboxed run", before " " after)
	print "1.." tests
}
