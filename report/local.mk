# SPDX-License-Identifier: MIT
#
# aio-sandbox-report: Python, style and script of its page, packed into one executable file.
# One file per line, sorted.
report_sources = \
	%D%/__init__.py \
	%D%/charts.js \
	%D%/cli.py \
	%D%/columns.py \
	%D%/depth.py \
	%D%/offsets.py \
	%D%/page.css \
	%D%/page.html \
	%D%/page.js \
	%D%/page.py \
	%D%/plot.js \
	%D%/records.py \
	%D%/scales.js \
	%D%/still.js \
	%D%/summary.py \
	%D%/tables.py \
	%D%/text.py \
	%D%/values.py \
	$(NULL)
report_pack = %D%/pack.py

EXTRA_DIST += $(report_sources) $(report_pack)
CLEANFILES += aio-sandbox-report
if HAVE_PYTHON
bin_SCRIPTS += aio-sandbox-report
man_MANS += man/aio-sandbox-report.1
endif

aio-sandbox-report: $(report_sources) $(report_pack) Makefile
	$(AM_V_GEN)$(PYTHON) $(srcdir)/$(report_pack) '$(PACKAGE_VERSION)' $@ \
		$(addprefix $(srcdir)/,$(report_sources))
