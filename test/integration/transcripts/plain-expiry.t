# Relative, absolute and negative expiry times.
> set e1 0 -1 1
> x
< STORED
> get e1
< END
> set e2 0 1 1
> x
< STORED
gone e2
> set e3 0 2592001 1
> x
< STORED
> get e3
< END
> set e4 0 2000000000 1
> x
< STORED
> get e4
< VALUE e4 0 1
< x
< END
> touch e4 -1
< TOUCHED
> get e4
< END
> set e5 0 100 1
> x
< STORED
> gat 1 e5
< VALUE e5 0 1
< x
< END
gone e5
> add e5 0 0 1
> y
< STORED
> replace e1 0 0 1
> y
< NOT_STORED
# A flush_all at once takes the place of one that waits.
> flush_all 1
< OK
> flush_all
< OK
> set f1 0 0 1
> x
< STORED
> set f2 0 2 1
> x
< STORED
gone f2
> get f1
< VALUE f1 0 1
< x
< END
