# gets, cas, delete, incr, decr, touch, gat.
> set c 0 0 1
> 1
< STORED
> gets c
< VALUE c 0 1 {unique}
< 1
< END
> cas c 3 0 1 {unique}
> 2
< STORED
> cas c 3 0 1 {unique}
> 3
< EXISTS
> gets c
< VALUE c 3 1 {second}
< 2
< END
> cas missing 0 0 1 1
> x
< NOT_FOUND
> cas c 3 0 1 {second} noreply
> 4
> get c
< VALUE c 3 1
< 4
< END

> delete c
< DELETED
> delete c
< NOT_FOUND
> get c
< END
> set c 0 0 1
> x
< STORED
> delete c noreply
> get c
< END
# a unique from before a delete is never good again
> set c 0 0 1
> y
< STORED
> cas c 0 0 1 {second}
> z
< EXISTS

> set n 5 0 2
> 10
< STORED
> incr n 5
< 15
> decr n 1
< 14
> decr n 100
< 0
> incr n 18446744073709551615
< 18446744073709551615
> incr n 1
< 0
> incr missing 1
< NOT_FOUND
> decr missing 1
< NOT_FOUND
> set t 0 0 3
> abc
< STORED
> incr t 1
< CLIENT_ERROR cannot increment or decrement non-numeric value
> incr n x
< CLIENT_ERROR invalid numeric delta argument
> incr n 7 noreply
> get n
< VALUE n 5 {}
< 7{rest}
< END

> touch t 0
< TOUCHED
> touch missing 0
< NOT_FOUND
> touch t 100 noreply
> gat 200 t
< VALUE t 0 3
< abc
< END
> gats 200 t missing
< VALUE t 0 3 {u3}
< abc
< END
> gat 0 missing
< END
