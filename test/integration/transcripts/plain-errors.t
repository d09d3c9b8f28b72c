# Bad input gets a clear answer, and the stream stays in step.
> unknown
< ERROR
> GET a
< ERROR
> get
< ERROR
> set k
< ERROR
> set k 0 0 x
< CLIENT_ERROR bad command line format
> version
< VERSION {}
> set k abc 0 1
< CLIENT_ERROR bad command line format
> version
< {answer}
open
> set k 0 0 -1
< CLIENT_ERROR bad command line format
> version
< {}{}
open
> set k 0 0 3
> ab
> version
< CLIENT_ERROR bad data chunk
open
> set long 0 0 3
> abcdef
< CLIENT_ERROR bad data chunk
open
> get long
< END
> incr k
< ERROR
> touch k
< ERROR
> delete
< ERROR
> cas k 0 0 1
< ERROR
open
> version
< VERSION {}
> verbosity 1
< OK
> quit
<eof
