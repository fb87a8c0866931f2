"""One encrypted file that carries a session from a trainee's tool to a supervisor's and the answers back, without a
server. It knows the library."""
