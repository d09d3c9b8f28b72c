# dump, dump_key, flush_all: of the node that is asked.
> flush_all
< OK
> set d 3 0 2
> ab
< STORED
> dump
< VALUE d 3 2 {version} 0
< ab
< END
> dump_key
< KEY d
< END
> dump 0 0 1
< VALUE d 3 2 {version} 0
< ab
< END
> dump -1
< ERROR
> dump 0 3 2
< ERROR
> keys d 10
< SERVER_ERROR not available on current storage type
> flush_all
< OK
> get d
< END
> dump
< END
> set d 0 0 1
> x
< STORED
> flush_all 1
< OK
gone d
