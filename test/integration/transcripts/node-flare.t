# What flare adds for anyone who asks: versions, sync, ping, dump.
> set v 0 0 1 100
> a
< STORED
> gets v
< VALUE v 0 1 100
< a
< END
> set v 0 0 1 100
> b
< NOT_STORED
> set v 0 0 1 99
> b
< NOT_STORED
> set v 0 0 1 sync
> c
< STORED
> set v 0 0 1 async noreply
> d
> get v
< VALUE v 0 1
< d
< END
> delete v 0 sync
< DELETED
> ping
< OK
> kill 99999999
< CLIENT_ERROR thread not found
> stats nonsense
< ERROR
> stats sizes
< STAT sizes_status disabled
< END
