# Everything one does with this repository. `make help` lists it.

LISTEN ?= 127.0.0.1:8000
DATA   ?= greffe-data
GREFFE  = target/debug/greffe
ALL     = --locked --workspace --all-targets --all-features
FLAGS   = --data-dir "$(DATA)" --listen "$(LISTEN)"

# Queries are compiled from .sqlx, whatever DATABASE_URL a shell has set.
export SQLX_OFFLINE = true

.DEFAULT_GOAL = help
.PHONY: help setup build run test check fmt bench up down logs migrate sqlx clean

help: ## Lists these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-16s%s\n", $$1, $$2 }'

setup: ## Installs what is missing, or says what is
	@deploy/setup/setup.sh

# Without optimisation: it builds in a fraction of the time, and is quick
# enough for everything but measuring.
build: setup
	cargo build --locked -p app --bin greffe

run: build ## Starts Greffe on its own database and shows what it does
	$(GREFFE) demo $(FLAGS)

test: setup ## Runs every check
	cargo fmt --check
	cargo build $(ALL)
	.ci/sqlx check
	cargo clippy --quiet $(ALL) -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --quiet --workspace --all-features --no-deps
	target/debug/with-postgres -- .ci/tests
	.ci/optional

check: setup ## Runs the checks that need no database
	cargo fmt --check
	cargo clippy $(ALL) -- -D warnings
	.ci/optional

fmt: ## Formats the code
	cargo fmt

bench: setup ## Measures Greffe beside its peers, in under eight minutes
	cargo run --locked --release -p bench

up: build ## Starts Greffe in the background
	@deploy/setup/background.sh up "$(DATA)" "$(LISTEN)" $(GREFFE) serve $(FLAGS)

down: ## Stops it
	@deploy/setup/background.sh down "$(DATA)"

logs: ## Follows its log
	@tail -n 100 -F "$(DATA)/greffe.log"

migrate: build ## Brings the database up to this version
	$(GREFFE) migrate --data-dir "$(DATA)"

sqlx: setup ## Makes the offline data of the queries anew
	cargo build --locked --quiet -p postgres
	.ci/sqlx write

# The tests' server may keep its data elsewhere, behind a link.
clean: ## Removes what was built; your data stays
	@[ ! -x target/debug/with-postgres ] || target/debug/with-postgres -- true
	@[ ! -e target/test-postgres ] || rm -rf "$$(readlink -f target/test-postgres)"
	rm -rf target api/graphiql/dist api/graphiql/node_modules
