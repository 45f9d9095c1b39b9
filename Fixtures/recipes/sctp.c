// An SCTP association over IPv4 with usrsctp: `sctp serve ADDRESS` answers; `sctp LOCAL PEER` sends three messages and exits.
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <usrsctp.h>

static struct sockaddr_in at(const char *address, int port) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, address, &name.sin_addr);
  return name;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int serves = strcmp(argv[1], "serve") == 0;
  usrsctp_init(0, NULL, NULL);
  usrsctp_sysctl_set_sctp_heartbeat_interval_default(500);
  struct socket *end = usrsctp_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
  if (end == NULL) return 1;
  char text[256];
  if (serves) {
    struct sockaddr_in name = at(argv[2], 7000);
    if (usrsctp_bind(end, (struct sockaddr *)&name, sizeof name) < 0 || usrsctp_listen(end, 1) < 0) return 1;
    for (;;) {
      struct socket *peer = usrsctp_accept(end, NULL, NULL);
      if (peer == NULL) return 1;
      socklen_t length = 0;
      struct sctp_rcvinfo info;
      socklen_t infolen = sizeof info;
      unsigned int type;
      int flags = 0;
      ssize_t count;
      while ((count = usrsctp_recvv(peer, text, sizeof text, NULL, &length, &info, &infolen, &type, &flags)) > 0)
        usrsctp_sendv(peer, text, (size_t)count, NULL, 0, NULL, 0, SCTP_SENDV_NOINFO, 0);
      usrsctp_close(peer);
    }
  }
  struct sockaddr_in local = at(argv[1], 7001), peer = at(argv[2], 7000);
  if (usrsctp_bind(end, (struct sockaddr *)&local, sizeof local) < 0) return 1;
  if (usrsctp_connect(end, (struct sockaddr *)&peer, sizeof peer) < 0) return 1;
  for (int turn = 0; turn < 3; turn++) {
    struct sctp_sndinfo info = {.snd_sid = (uint16_t)turn, .snd_ppid = htonl(46)};
    int length = snprintf(text, sizeof text, "message %d", turn);
    usrsctp_sendv(end, text, (size_t)length, NULL, 0, &info, sizeof info, SCTP_SENDV_SNDINFO, 0);
    usleep(100000);
  }
  sleep(1);
  usrsctp_shutdown(end, SHUT_WR);
  usleep(200000);
  usrsctp_close(end);
  return 0;
}
