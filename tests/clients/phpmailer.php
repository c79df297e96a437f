<?php
// PHPMailer with STARTTLS.
require '/usr/share/php/libphp-phpmailer/autoload.php';
$job = json_decode(stream_get_contents(STDIN), true);
$mail = new PHPMailer\PHPMailer\PHPMailer(true);
try {
    $mail->isSMTP();
    $mail->Host = 'localhost';
    $mail->Port = $job['port'];
    $mail->SMTPAuth = true;
    $mail->SMTPSecure = 'tls';
    $mail->SMTPOptions = ['ssl' => ['cafile' => $job['ca']]];
    $mail->Username = $job['user'];
    $mail->Password = $job['password'];
    $mail->setFrom($job['from'], 'News');
    $mail->addAddress($job['to']);
    $mail->Subject = 'Relayed';
    $mail->Body = "Hello.\n";
    if ($job['arn']) {
        $mail->addCustomHeader('X-SES-SOURCE-ARN', $job['arn']);
    }
    $mail->send();
} catch (Exception $error) {
    fwrite(STDERR, $error->getMessage() . ' ' . implode(' ', $mail->getSMTPInstance()->getError()));
    exit(1);
}
