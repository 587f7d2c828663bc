<?php
// The session is a file below /var/lib/php/sessions.
if (!session_start()) {
    http_response_code(500);
    exit;
}
$_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
echo "hello {$_SESSION['visits']} from php\n";
