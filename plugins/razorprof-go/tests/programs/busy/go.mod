module example.org/busy

go 1.19
