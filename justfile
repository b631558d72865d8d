# Short names for what is done often. Needs https://just.systems; nothing else does.

# What there is
default:
    @just --list

# Everything that must hold before a change is taken
gate:
    .ci/run

# All tests of all crates
test *arguments:
    cargo test {{ arguments }}

# One story by name, or all stories whose names hold it, with their logs
story name:
    cargo test --test it -- --nocapture {{ name }}

# Kills the busy service so often, at random points, and counts what became of its promises
kill count="50":
    CONNECT_KILLS={{ count }} cargo test --test kill -- --nocapture

# Takes changed snapshots over, one by one
snapshots:
    cargo insta test --lib --review

# The service with stand-ins for everything around it; `just demo --once` plays by itself
demo *arguments:
    cargo run -- demo {{ arguments }}

# The service under load, beside its neighbours
bench *arguments:
    cargo bench --bench load -- {{ arguments }}

# Single steps of the service
bench-micro *arguments:
    cargo bench --bench micro -- {{ arguments }}

# The build stage of the Dockerfile, without a container engine
image-steps:
    .ci/image-steps

# The container image
image:
    docker build --tag novu-connect-bot .

# Known weaknesses of dependencies; fetches RustSec's database
advisories:
    cargo deny check advisories
