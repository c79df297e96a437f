# Email::Sender with STARTTLS.
use strict;
use warnings;
use Email::Sender::Simple qw(sendmail);
use Email::Sender::Transport::SMTP;
use Email::Simple;
use JSON::PP;

my $job = decode_json(do { local $/; <STDIN> });
my @arn = $job->{arn} ? ('X-SES-SOURCE-ARN' => $job->{arn}) : ();
my $mail = Email::Simple->create(
    header => [From => "News <$job->{from}>", To => $job->{to}, Subject => 'Relayed', @arn],
    body => "Hello.\n",
);
my $transport = Email::Sender::Transport::SMTP->new({
    host => 'localhost', port => $job->{port}, ssl => 'starttls', ssl_options => {SSL_ca_file => $job->{ca}},
    sasl_username => $job->{user}, sasl_password => $job->{password},
});
sendmail($mail, {from => $job->{from}, to => $job->{to}, transport => $transport});
