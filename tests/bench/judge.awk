# SPDX-License-Identifier: MIT
# What the runs of one row say.
#
# in:   one run per line: SIDE ROUND IOPS CLAT_P99 LAT_P99 PROGRAM_CPU OTHER_CPU AGAINST
#       microseconds; AGAINST is what the IOPS are compared with, or 0: those of the native run of the same round
# -v    name title sides; musts: "TARGET MUST", "-" for none; trap_must, p99_max, cpu_max: a factor or "-"
# out:  KIND|TEXT: speed and cost are rows of tables, line is for programs, verdict is one line
#
# A ratio is the median of the ratios of each round, since what disturbs a round disturbs all its sides; behind it stand
# the smallest and the largest one. A must that lies between those two is missed or held "within the spread".

# the median of v[1..n], which is sorted then
function median(v, n,   i, j, x) {
	for (i = 2; i <= n; i++) {
		x = v[i]
		for (j = i - 1; j > 0 && v[j] > x; j--)
			v[j + 1] = v[j]
		v[j + 1] = x
	}
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function middle(side, field,   v, i, n) {
	for (i = 0; i < rounds[side]; i++)
		v[++n] = run[side, i, field]
	return n ? median(v, n) : 0
}

function all_cpu(side) { return middle(side, "prog") + middle(side, "sup") }

function over(is, by) { return by > 0 ? is / by : 0 }

function base(side) { return side ~ /-1cpu$/ ? "native-1cpu" : "native" }

# Sets ratio[name], low[name] and high[name]: SIDE against OTHER, or against what stands in its own lines.
function compare(name, side, other, own,   v, i, n, to) {
	for (i = 0; i < rounds[side]; i++) {
		to = own && run[side, i, "against"] > 0 ? run[side, i, "against"] : run[other, i, "iops"]
		if (to > 0)
			v[++n] = run[side, i, "iops"] / to
	}
	if (!n)
		return 0
	ratio[name] = median(v, n)
	low[name] = v[1]
	high[name] = v[n]
	return 1
}

function spread(name) { return sprintf("%.2f (%.2f-%.2f)", ratio[name], low[name], high[name]) }

# What is to be said of a value that must be at least (or, with most, at most) that much.
function held(is, must, most, from, to,   ok) {
	ok = most ? is <= must : is >= must
	return "must " must (ok ? " held" : " MISSED") (from < must && to > must ? " within the spread" : "")
}

function say(text) { verdict = verdict (verdict == "" ? "" : "; ") text }

function judge_speed(side,   m) {
	split(musts, m, " ")
	if (m[1] != "-")
		say(side " " spread(side) ", target " m[1] (ratio[side] >= m[1] ? " reached, " : " not reached, ") \
			held(ratio[side], m[2], 0, low[side], high[side]))
}

function judge_cost(side,   p99, clat, cpu) {
	if (p99_max != "-") {
		clat = over(middle(side, "clat"), middle("native", "clat"))
		p99 = over(middle(side, "lat"), middle("native", "lat"))
		p99 = clat > p99 ? clat : p99
		say(sprintf("p99 x%.2f, %s", p99, held(p99, p99_max, 1)))
	}
	if (cpu_max != "-") {
		cpu = over(all_cpu(side), all_cpu("native"))
		say(sprintf("CPU x%.2f, %s", cpu, held(cpu, cpu_max, 1)))
	}
}

{
	rounds[$1] = $2 + 1
	run[$1, $2, "iops"] = $3
	run[$1, $2, "clat"] = $4
	run[$1, $2, "lat"] = $5
	run[$1, $2, "prog"] = $6
	run[$1, $2, "sup"] = $7
	run[$1, $2, "against"] = $8
}

END {
	count = split(sides, list, " ")
	speed = title
	p99 = clat = cpu = ""
	for (i = 1; i <= count; i++) {
		side = list[i]
		there = rounds[side] && compare(side, side, base(side), 1)
		iops = sprintf("%.0f", middle(side, "iops"))
		if (side !~ /^native/)
			cell = there ? spread(side) : "-"
		else if (run[side, 0, "against"] > 0)
			cell = iops ", " spread(side)
		else
			cell = rounds[side] ? iops : "-"
		speed = speed " | " cell
		if (!rounds[side])
			continue
		if (side !~ /-1cpu$/) {
			gap = p99 == "" ? "" : " / "
			p99 = p99 gap sprintf("%.1f", middle(side, "clat"))
			lat = lat gap sprintf("%.1f", middle(side, "lat"))
			cpu = cpu gap (side == "native" ? sprintf("%.1f", all_cpu(side)) : \
				sprintf("%.1f + %.1f", middle(side, "prog"), middle(side, "sup")))
		}
		printf "line|row=%s side=%s iops=%s ratio=%.3f low=%.3f high=%.3f clat_p99_us=%.1f lat_p99_us=%.1f prog_cpu_us=%.2f other_cpu_us=%.2f runs=%d\n",
			name, side, iops, ratio[side], low[side], high[side], middle(side, "clat"), middle(side, "lat"),
			middle(side, "prog"), middle(side, "sup"), rounds[side]
	}
	print "speed|" speed " | " (musts == "- -" ? "-" : musts)
	print "cost|" title " | " p99 " | " lat " | " cpu

	best = rounds["shim"] ? "shim" : rounds["trap"] ? "trap" : ""
	if (best == "" || !rounds["native"])
		exit
	judge_speed(best)
	if (trap_must != "-" && rounds["trap"])
		say("trap alone " spread("trap") ", " held(ratio["trap"], trap_must, 0, low["trap"], high["trap"]))
	if (rounds["shim-1cpu"] && rounds["trap-1cpu"] && musts != "- -") {
		compare("shim/trap", "shim-1cpu", "trap-1cpu", 0)
		say("on one CPU against the trap " spread("shim/trap") ", " \
			held(ratio["shim/trap"], 1, 0, low["shim/trap"], high["shim/trap"]))
	}
	judge_cost(best)
	if (verdict != "")
		print "verdict|" name ": " verdict
}
