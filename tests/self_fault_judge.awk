# SPDX-License-Identifier: MIT
# For self_fault_one.sh: what a parity victim was told and has printed, without a failure (normal: in several runs, each
# of which begins with "run"), and with one. Prints the verdict first, then all that differs:
#
#	fine	it has printed the same as in one of those, or something else that may differ
#	told	something else, after a call or an event has told of an error that was not there before, or of
#		another result where an error has not become a success, or its end after an error or a count of
#		accepted requests that it was never told as early; ptrace(2) that fails with ESRCH is a thread that has died, and what it
#		sees is not judged
#	lost	an event did not come, or was another one (victim.h says so)
#	untold	something else, and nobody has told why
#	hang	the same, of a victim that was ended by its own alarm

FNR == 1 {
	for (file++; FILENAME != ARGV[file]; )
		file++
}

file == 1 {
	if ($1 == "run") {
		runs++
		at = 0
		next
	}
	if (++run[runs, $0] > normal[$0])
		normal[$0] = run[runs, $0]
	usual_at[++at, $0]
	if ($1 == "call" && (!(at in most_at) || $2 > most_at[at]))
		most_at[at] = $2
	next
}
file == 2 { now[$0]++; last_at = FNR; last = $0; next }

{
	at = index($0, ": ")
	tag = substr($0, 1, at - 1)
	value = substr($0, at + 2)
}
file == 3 {
	if ($0 != "run") {
		before[tag] = value
		usual[tag, value]
	}
	next
}
{ after[tag] = value }

# How often in each of the normal runs.
function always(line,    i, least)
{
	least = normal[line]
	for (i = 1; i <= runs; i++)
		if (run[i, line] + 0 < least)
			least = run[i, line] + 0
	return least
}

# What was not before, or less often.
function was_told(    line, word, worse, better, less, succeeded)
{
	for (line in now) {
		split(line, word, " ")
		if (now[line] <= normal[line])
			continue
		told = told " " line
		if (word[2] < 0)
			worse = 1
		else if (word[2] > 0 || word[1] == "event" || !normal[line])
			less = 1
		if (word[1] == "event" && word[2] >= 0)
			succeeded = 1
	}
	for (line in normal) {
		split(line, word, " ")
		# an event with an error may be missing because its request was not accepted
		if (word[2] < 0 && now[line] < always(line) && (word[1] == "call" || succeeded))
			better = 1
	}
	split(last, word, " ")
	if (status == 1 && !((last_at, last) in usual_at) &&
	    (word[2] < 0 || (word[1] == "call" && last_at in most_at && word[2] < most_at[last_at]))) {
		told = told " at last " last
		worse = 1
	}
	return worse || (less && (!better || error == "SHORT"))
}

# Its words, in another order.
function sorted(text,    i, j, n, a, word)
{
	n = split(text, a, " ")
	text = ""
	for (i = 1; i <= n; i++) {
		for (j = i; j > 1 && a[j] < a[j - 1]; j--) {
			word = a[j]
			a[j] = a[j - 1]
			a[j - 1] = word
		}
	}
	for (i = 1; i <= n; i++)
		text = text " " a[i]
	return text
}

# What may be otherwise without a word. Sections 8.1 and 8.2 ask what is complete, and who waits, at a moment. A signal of
# the submitter may come from the supervisor, and one that io_pgetevents' mask lets through may stay pending.
function may_differ(tag, was, is,    i, n, a, b)
{
	# what was not complete at once is so after the others
	if (tag == "8.1.errors/in-order")
		return 1
	if (tag == "8.1.errors/results")
		return sorted(was) == sorted(is)
	# a ring that cannot be unmapped by its program stays
	if (tag ~ /^14\.unmapped\// && is == 0)
		return 1
	if (tag ~ /^8\.1\.(direct-sync|poll|mixed-list)\/|large-read-event$|^8\.2\.list-waits\//)
		return 1
	if (was == is ", SI_USER, from itself" || was == is ", from itself")
		return 1
	if (tag ~ /^12\./ && is ~ /^0, handled 0/)
		sub(/^EINTR, handled 1, then blocked/, "0, handled 0, then blocked", was)
	if (was == is)
		return 1
	if (tag ~ /^12\./ && gsub(/handled [0-9]/, "handled", was) && gsub(/handled [0-9]/, "handled", is))
		return was == is
	gsub(/ still/, "", was)
	gsub(/ still/, "", is)
	n = split(was, a, " ")
	if (tag !~ /^8\.2\./ || split(is, b, " ") != n)
		return 0
	for (i = 1; i <= n; i++)
		if (a[i] != b[i] && (a[i] " " b[i]) !~ /waits|blocks/)
			return 0
	return 1
}

function differs(tag, was, is)
{
	changes = changes " | " tag ": " was " -> " is
	if (is ~ /lost|wrong event/ && was !~ /lost|wrong event/)
		lost = 1
	if (!may_differ(tag, was, is))
		other = 1
}

END {
	for (tag in before) {
		if (!(tag in after) && status == 0)
			differs(tag, before[tag], "(nothing)")
		else if (tag in after && !((tag, after[tag]) in usual))
			differs(tag, before[tag], after[tag])
	}
	for (tag in after)
		if (!(tag in before))
			differs(tag, "(nothing)", after[tag])
	if (lost && !gone)
		verdict = "lost"
	else if (!other && status == 0)
		verdict = "fine"
	else if (was_told() || gone)
		verdict = "told"
	else
		verdict = status == 142 ? "hang" : "untold"
	print verdict, "told" told, "changed" changes
}
