# Everything here works on a machine with Go, make, gcc and git. `make help` lists the targets.

GO      ?= go
NETWORK ?= demo
BIN     := bin
PROGRAMS := $(BIN)/tally $(BIN)/tallyd $(BIN)/tallynet $(BIN)/chaincode

.DEFAULT_GOAL := help
.PHONY: help build demo demo-down test test-short browser lint generate fuzz bench clean FORCE

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: $(PROGRAMS) ## Build bin/tally, bin/tallyd, bin/tallynet and bin/chaincode

# Go's own cache knows what has changed; CGO is not needed by any of our programs, so they also run in empty images.
$(BIN)/tally $(BIN)/tallyd: $(BIN)/%: FORCE
	CGO_ENABLED=0 $(GO) build -trimpath -o $@ ./gateway-client/cmd/$*

$(BIN)/tallynet: FORCE
	CGO_ENABLED=0 $(GO) build -trimpath -o $@ ./network/cmd/tallynet

$(BIN)/chaincode: FORCE
	CGO_ENABLED=0 $(GO) build -trimpath -o $@ ./chaincode

FORCE:

demo: build ## Start a network of six organisations and run a financing on it
	$(BIN)/tallynet reset --name $(NETWORK)
	$(BIN)/tallynet up --name $(NETWORK)
	$(BIN)/tallynet deploy --name $(NETWORK) --chaincode $(BIN)/chaincode
	$(BIN)/tallynet serve --name $(NETWORK) --program $(BIN)/tallyd
	$(BIN)/tally --network $(NETWORK) $(if $(OUTPUT),--output $(OUTPUT)) scenario run testdata/scenarios/main-job.yaml
	@echo "Open a portal in a browser and choose who you are; stop everything with: make demo-down" >&2
	@$(BIN)/tallynet portals --name $(NETWORK) >&2

demo-down: build ## Stop the demo's network and wipe it
	$(BIN)/tallynet reset --name $(NETWORK)

test: ## Run every test: rules, invariants, and the scenarios on a native network (and in containers where Docker answers)
	$(GO) test -timeout 40m ./...

test-short: ## Run the tests that start no network
	$(GO) test -short ./...

browser: ## Install Debian's chromium, with which the portal's pages are tried (apt-get, needs root)
	apt-get update
	apt-get install -y --no-install-recommends chromium fonts-noto-cjk

lint: ## Check formatting, vet, staticcheck, and what could make peers disagree
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) run ./chaincode/determinism/cmd/determinism ./chaincode/...

generate: ## Write the generated documentation anew
	$(GO) generate ./...

FUZZ ?= 1m
fuzz: ## Fuzz every parser for a minute each (FUZZ=10m for longer)
	@set -e; for file in $$(git grep -l '^func Fuzz' -- '*_test.go'); do for target in $$(sed -n 's/^func \(Fuzz[A-Za-z]*\).*/\1/p' $$file); do \
		echo "$$file $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ) ./$$(dirname $$file); done; done

bench: ## Run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./chaincode/... ./gateway-client/...

clean: ## Remove the built programs
	rm -rf $(BIN)
