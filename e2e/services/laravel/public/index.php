<?php
// One session, one compiled view and one line of log, where Laravel has them.
$storage = dirname(__DIR__) . '/storage';
$session = "$storage/framework/sessions/visitor";
$visits = (int) @file_get_contents($session) + 1;
$written = [
    file_put_contents($session, $visits),
    file_put_contents("$storage/framework/views/welcome.php", 'hello'),
    file_put_contents("$storage/logs/laravel.log", "visit $visits\n", FILE_APPEND),
];
if (in_array(false, $written, true)) {
    http_response_code(500);
    exit;
}
echo "hello $visits from laravel\n";
