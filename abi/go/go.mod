module ruststream.org/plugin

go 1.19
