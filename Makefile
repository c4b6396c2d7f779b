PYTHON ?= python3

.PHONY: run test check nightly bench lock reset

run: ; @$(PYTHON) tools/machine.py run
test: ; @$(PYTHON) tools/machine.py test $(ARGS)
check: ; @$(PYTHON) tools/machine.py check
nightly: ; @$(PYTHON) tools/machine.py test --nightly $(ARGS)
bench: ; @$(PYTHON) tools/machine.py test --bench $(ARGS)
lock: ; @$(PYTHON) tools/machine.py lock $(ARGS)
reset: ; @YES=$(YES) $(PYTHON) tools/machine.py reset
