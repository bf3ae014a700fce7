/* Tells the service manager how we are, as systemd's sd_notify(3) does, without its library: one
 * datagram of KEY=VALUE lines to the socket that NOTIFY_SOCKET names. Where there is none, nothing.
 * No text of others may be in a message: a line end would begin another key.
 */
#ifndef EC_WATCH_NOTIFY_H
#define EC_WATCH_NOTIFY_H

#include <stdint.h>

/* "READY=1", "STATUS=…", "WATCHDOG=1", "STOPPING=1". That nobody listens is no error of ours. */
void ec_notify(const char *message);

/* How often WATCHDOG=1 is to be said, half the time that the manager allows (WATCHDOG_USEC, meant for this
 * process: WATCHDOG_PID); 0: never. */
int64_t ec_notify_watchdog_us(void);

#endif
