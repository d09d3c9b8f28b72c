# digest: the sums over all records, at a mark in the log.
> flush_all
< OK
> digest mark
< DIGEST {epoch} {empty} 0 00000000000000000000000000000000
> set d 3 0 2
> ab
< STORED
> digest mark
< DIGEST {epoch} {one} 1 {sum}
> digest at {one}
< DIGEST {epoch} {one} 1 {sum}
> digest at {empty}
< GONE
> digest at 18446744073709551615
< LATER
> digest buckets {one}
< BUCKET {n} {sum}
< END
> digest keys {n} 0
< KEY d {version} {sum}
< END
> set other 0 0 1
> x
< STORED
> delete other
< DELETED
> digest repair d
< OK
> digest mark
< DIGEST {epoch} {} 1 {sum}
> digest
< CLIENT_ERROR bad command line format
> digest keys 4096
< CLIENT_ERROR bad command line format
> digest at
< CLIENT_ERROR bad command line format
> digest mark now
< CLIENT_ERROR bad command line format
> flush_all
< OK
