# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Needs git, make and some Python from 3.10 on. Everything else goes into .venvs and .build of this checkout.

PYTHON := .venvs/dev/bin/python
SOURCES := plugins tests tools docs/recovery
PARTS := sanity lint docs-lint types format-check unit integration hosts

.NOTPARALLEL:
.PHONY: help demo test $(PARTS) oldest format bench bench-repository bench-onedrive bench-scan tree venv venv-run clean

help:
	@echo "make demo          a small company on localhost: back it up, change it, prune, restore (under 3 minutes)"
	@echo "make test          all of the next eight, as CI runs it (half an hour on two cores)"
	@echo ""
	@echo "make unit          unit tests                          make sanity       ansible-test sanity"
	@echo "make integration   playbooks against the tenant        make docs-lint    docs of modules and guides"
	@echo "make types         mypy                                make lint         ruff, ansible-lint, licences, changelog, build"
	@echo "make format-check  ruff format, check only             make hosts        roles and timers on booted machines"
	@echo ""
	@echo "make format        ruff format and safe fixes"
	@echo "make oldest        unit and integration tests with the oldest ansible-core and libraries that are supported"
	@echo "make bench         speed against restic and the bound that Microsoft's limits set"
	@echo "make bench-repository   speed of the repository against restic and borg, on the same files (10 minutes)"
	@echo "make bench-onedrive     OneDrive against rclone and Microsoft's limits, with 200,000 files and one of 2 GiB (half an hour)"
	@echo "make bench-scan    the malware scan against clamd's own CPU (10 minutes; needs Debian's clamav-daemon, clamav, clamav-testfiles)"
	@echo "make clean         remove what the commands above left in this checkout"

demo: venv-run tree
	@$(PYTHON) tools/demo.py

test: venv
	@$(PYTHON) tools/gate.py test

$(PARTS): venv
	@$(PYTHON) tools/gate.py $@

format: venv
	@$(PYTHON) -m ruff check --fix --quiet $(SOURCES); $(PYTHON) -m ruff format $(SOURCES)

oldest: venv
	@PYTHONS="3.11 3.10" sh tools/venv.sh .venvs/oldest oldest
	@$(PYTHON) tools/gate.py oldest

bench: venv tree
	@PYTHONPATH=.build:tests ANSIBLE_COLLECTIONS_PATH=.build $(PYTHON) -m benchmark

bench-repository: venv tree
	@PYTHONPATH=.build:tests $(PYTHON) -m benchmark.repository $(OPTIONS)

bench-onedrive: venv tree
	@PYTHONPATH=.build:tests $(PYTHON) -m benchmark.onedrive $(OPTIONS)

bench-scan: venv tree
	@PYTHONPATH=.build:tests $(PYTHON) -m benchmark.scan $(OPTIONS)

tree:
	@$(PYTHON) -c 'import sys; sys.path.insert(0, "tools"); import tree; tree.make_copy()'

venv-run:
	@sh tools/venv.sh .venvs/dev run

venv:
	@sh tools/venv.sh .venvs/dev run test

clean:
	rm -rf .build .venvs .demo .bench .ansible .mypy_cache .pytest_cache .ruff_cache .hypothesis
