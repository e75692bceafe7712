# SPDX-License-Identifier: MIT
# awk -v faults=FILE -f rules.awk docs/aio-abi.md tests/parity/differences *.expect scripts...
#
# Prints docs/aio-abi.md with its Part 4 made anew: which tests cover each rule. What is wrong goes
# to FILE, a line each. The ids stand in the document, in braces, and nowhere else:
#	{7.e} {8.3.pipe} {T5} {D2}		a rule, a trap, a deliberate difference
#	{2.7, untested: reason}			a rule that no test can reach
# These are tests of a rule:
#	7.e/closed-fd: value			an observation, a line of an .expect file
#	victim TAB tag TAB D3 TAB value		a line of tests/parity/differences
#	ok 'the file is gone [15.kill]'		a name in a script
#	| {T5} | ... `7.e/closed-fd`		an observation named in the row of a trap

BEGIN {
	id = "([0-9]+[.][a-z0-9-]+([.][a-z0-9-]+)?|[DT][0-9]+)"
	least = 600
	shown = 4	# names in the table, of one victim and rule
	printf "" >faults
}

function fault(what)
{
	print what >faults
}

function add_rule(name, reason)
{
	if (name in known)
		fault("{" name "} stands twice in the document")
	known[name] = 1
	untested[name] = reason
	rule[++rules] = name
}

# The ids of a line of the document, in their order; those in backquotes are quoted.
function ids_of(line,    name, reason)
{
	gsub(/`[^`]*`/, "", line)
	while (match(line, "[{]" id "(, untested: [^}]*)?[}]")) {
		name = substr(line, RSTART + 1, RLENGTH - 2)
		line = substr(line, RSTART + RLENGTH)
		reason = ""
		if (match(name, /, untested: /)) {
			reason = substr(name, RSTART + 2)
			name = substr(name, 1, RSTART - 1)
		}
		add_rule(name, reason)
	}
}

# The observations that the row of a trap names.
function named_in(line,    trap, tag)
{
	match(line, /T[0-9]+/)
	trap = substr(line, RSTART, RLENGTH)
	while (match(line, "`" id "/[^` ]+`")) {
		tag = substr(line, RSTART + 1, RLENGTH - 2)
		line = substr(line, RSTART + RLENGTH)
		wanted[trap] = wanted[trap] " " tag
	}
}

# test covers the rule: the victim with a name of an observation, or a file
function cover(name, test, observation,    key)
{
	key = name SUBSEP test
	if (!(key in times)) {
		tests[name] = tests[name] (tests[name] != "" ? SUBSEP : "") test
		names[key] = ""
	}
	times[key]++
	if (observation != "" && times[key] <= shown)
		names[key] = names[key] (times[key] > 1 ? ", " : "") observation
}

FILENAME ~ /aio-abi\.md$/ {
	if (/^# Part 4/)
		over = 1
	if (over)
		next
	text[++lines] = $0
	ids_of($0)
	if (/^[|] [{]T[0-9]+[}]/)
		named_in($0)
	next
}

FILENAME ~ /differences$/ {
	if (!/^(#|$)/) {
		split($0, field, "\t")
		cover(field[3], field[1], field[2])
		from[field[3]] = FILENAME
	}
	next
}

FILENAME ~ /\.expect$/ {
	victim = FILENAME
	gsub(/.*\/|\.expect$/, "", victim)
	tag = substr($0, 1, index($0, ": ") - 1)
	name = substr(tag, 1, index(tag, "/") - 1)
	count++
	seen[tag] = victim
	cover(name, victim, substr(tag, length(name) + 2))
	from[name] = victim " " tag
	next
}

/^[ \t]*#/ {
	next
}

{
	line = $0
	while (match(line, "[[]" id "[]]")) {
		name = substr(line, RSTART + 1, RLENGTH - 2)
		line = substr(line, RSTART + RLENGTH)
		cover(name, FILENAME, "")
		from[name] = FILENAME
	}
}

function covered_by(name,    n, test, i, key, out)
{
	n = split(tests[name], test, SUBSEP)
	for (i = 1; i <= n; i++) {
		key = name SUBSEP test[i]
		out = out (i > 1 ? "; " : "") test[i]
		if (names[key] != "")
			out = out ": " names[key]
		if (names[key] != "" && times[key] > shown)
			out = out ", +" times[key] - shown
	}
	return out
}

function check_named(trap,    n, tag, i)
{
	n = split(wanted[trap], tag, " ")
	for (i = 1; i <= n; i++)
		if (tag[i] in seen)
			cover(trap, seen[tag[i]], tag[i])
		else
			fault(trap " names " tag[i] ", which no victim prints")
}

END {
	for (trap in wanted)
		check_named(trap)
	for (name in from)
		if (!(name in known))
			fault("no rule {" name "} in docs/aio-abi.md: " from[name])
	if (count < least)
		fault("only " count " observations, of at least " least)
	for (i = 1; i <= lines; i++)
		print text[i]
	print "# Part 4 — the tests of each rule"
	print ""
	print "Made by `make rules` from the ids above and the tests' own lists; not to be edited."
	print "A name before a colon is a victim, `tests/parity/victim_NAME.c`, what follows are its"
	print "observations, `+N` as many more; a file is a script whose tests name the rule."
	print ""
	print "| id | covered by |"
	print "|---|---|"
	for (i = 1; i <= rules; i++) {
		name = rule[i]
		if (untested[name] != "" && name in tests)
			fault("{" name "} is said to be untested, but there is " from[name])
		else if (untested[name] == "" && !(name in tests))
			fault("{" name "} has no test")
		print "| " name " | " (name in tests ? covered_by(name) : untested[name]) " |"
	}
}
