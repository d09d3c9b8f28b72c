# What a plain client sees of set, add, replace, append, prepend and get.
> set a 0 0 1
> 1
< STORED
> get a
< VALUE a 0 1
< 1
< END
> set a 7 0 0
> 
< STORED
> get a
< VALUE a 7 0
< 
< END
> get none
< END
> get a none a
< VALUE a 7 0
< 
< VALUE a 7 0
< 
< END

# flags are 32 bits
> set f 4294967295 0 1
> x
< STORED
> get f
< VALUE f 4294967295 1
< x
< END

> add a 0 0 1
> x
< NOT_STORED
> add new 1 0 3
> abc
< STORED
> replace missing 0 0 1
> x
< NOT_STORED
> replace new 2 0 3
> def
< STORED
> append new 9 0 2
> gh
< STORED
> prepend new 9 0 2
> __
< STORED
> get new
< VALUE new 2 7
< __defgh
< END
> append missing 0 0 1
> x
< NOT_STORED
> prepend missing 0 0 1
> x
< NOT_STORED

# values are bytes
>> set b 0 0 6\r\na\r\n\0\xff\x80\r\n
< STORED
> get b
< VALUE b 0 6
< a
< \0\xff\x80
< END

# no answer to noreply, and the order is kept
> set q 0 0 1 noreply
> 1
> append q 0 0 1 noreply
> 2
> get q
< VALUE q 0 2
< 12
< END

# several requests in one packet, and one request in several packets
>> set p1 0 0 1\r\na\r\nset p2 0 0 1\r\nb\r\nget p1 p2\r\n
< STORED
< STORED
< VALUE p1 0 1
< a
< VALUE p2 0 1
< b
< END
>> se
>> t s 0 0 4\r\nab
>> cd\r
>> \nget s\r
>> \n
< STORED
< VALUE s 0 4
< abcd
< END

# a line may end in a bare newline
>> get p1\n
< VALUE p1 0 1
< a
< END
