module nodelogs

go 1.26.0
