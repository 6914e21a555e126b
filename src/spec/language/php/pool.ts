/** Below the working folder. */
export const poolPath = '.kapal/fpm.conf';

/**
 * php-fpm of one instance (https://www.php.net/manual/en/install.fpm.configuration.php). The supervisor puts its values in. The socket lies in a folder that is the
 * service's alone: who reaches it can have any file run as that user. What workers print and log goes on as it is, line by line.
 */
export const poolText = `; Written by Kapal for every build: the php-fpm of one instance.
[global]
error_log = /proc/self/fd/2
log_level = warning
log_limit = 65536
; Without it requests under way are cut when it is told to stop.
process_control_timeout = @PATIENCE@s

[site]
; By way of the working folder, which is the instance's own: the path of a socket may be 107 bytes long.
listen = /proc/self/cwd/fpm.sock
listen.mode = 0600
pm = dynamic
pm.max_children = @CHILDREN@
pm.start_servers = @BEGIN@
pm.min_spare_servers = 1
pm.max_spare_servers = @SPARE@
pm.max_requests = 1000
request_terminate_timeout = @TIMEOUT@s
clear_env = no
catch_workers_output = yes
decorate_workers_output = no
security.limit_extensions = .php
`;
