// The C interface of libpcap, as Debian's libpcap-dev installs it.
#pragma once
#include <pcap/pcap.h>
