module ruststream.org/examples/natsd

go 1.19

require (
	github.com/nats-io/nats-server/v2 v2.9.25
	github.com/nats-io/nats.go v1.28.0
	github.com/nats-io/nuid v1.0.1
	ruststream.org/plugin v0.0.0
)

require (
	github.com/klauspost/compress v1.16.7 // indirect
	github.com/minio/highwayhash v1.0.2 // indirect
	github.com/nats-io/jwt/v2 v2.5.0 // indirect
	github.com/nats-io/nkeys v0.4.4 // indirect
	golang.org/x/crypto v0.12.0 // indirect
	golang.org/x/sys v0.11.0 // indirect
	golang.org/x/time v0.3.0 // indirect
)

replace ruststream.org/plugin => ../../../abi/go
