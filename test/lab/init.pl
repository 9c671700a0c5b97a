# The first process of a lab host, once its file system stands. It reaps orphans (the kernel does, for one that ignores
# SIGCHLD) and is the host's name server, which knows no names: a look-up of anything that Docker itself does not know
# gets "no such name" at once, where a missing server would let each one wait for seconds.
use strict;
use warnings;
use Socket;

$SIG{CHLD} = 'IGNORE';
socket(my $server, PF_INET, SOCK_DGRAM, 0) or die "socket: $!";
bind($server, sockaddr_in(53, inet_aton($ARGV[0]))) or die "bind: $!";
syswrite(STDOUT, "ready\n");
open(STDOUT, '>', '/dev/null');

while (1) {
    my $client = recv($server, my $query, 4096, 0);
    next unless defined $client && length($query) > 16;
    my $end = 12;
    while (my $label = ord(substr($query, $end, 1))) {
        $end += 1 + $label;
        last if $end >= length($query);
    }
    next if $end + 5 > length($query);
    # The query's id, "response, recursion, no such name", one question and no answers, the question.
    my $answer = substr($query, 0, 2) . pack('n5', 0x8183, 1, 0, 0, 0) . substr($query, 12, $end + 5 - 12);
    send($server, $answer, 0, $client);
}
