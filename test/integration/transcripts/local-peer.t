# What another node sees: flare's own dialect, after the hop prefix.
> <127.0.0.1:1>set p 3 0 1
> a
< STORED
> <127.0.0.1:1>gat p 100
< VALUE p 3 1
< a
> <127.0.0.1:1>gat none 100
< NOT_FOUND
> <>set p 0 0 1 5000000000
> b
< STORED
> <127.0.0.1:1>set p 0 0 1 5000000000
> c
< NOT_STORED
> <127.0.0.1:1>delete p 0 4999999999
< NOT_FOUND
> <127.0.0.1:1>delete p 0 5000000001
< DELETED
> get p
< END
