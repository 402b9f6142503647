# What people type. .ci/run is what must hold before a change lands; these are its parts.
.PHONY: all build test race lint conformance push deploy page stores bench demo ci

all: build test lint

build:
	go build -o bin/aiwctl ./cmd/aiwctl

# Needs Go and nothing else.
test:
	go test ./...

race:
	go test -race ./...

lint:
	.ci/lint

# boto3, the AWS CLI and moto's server (PyPI) judge the local endpoint and package aws; moto
# judges push; cfn-lint (PyPI) and osls (npm) judge the files that it writes.
conformance: push deploy
	.ci/conformance/run

push:
	.ci/push/run

deploy:
	.ci/deploy/run

# The parts of docs/local-endpoint.md that the conformance run checks.
page:
	.ci/conformance/run --write-page

# The job stores against a redis-server and moto's DynamoDB.
stores:
	.ci/stores/run

bench:
	go test -run '^$$' -bench . ./...

demo:
	go run ./cmd/aiwctl demo

ci:
	.ci/run
