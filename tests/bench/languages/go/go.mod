module ruststream.org/bench/source

go 1.19

require ruststream.org/plugin v0.0.0

replace ruststream.org/plugin => ../../../../abi/go
