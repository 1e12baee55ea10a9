# 2024-03-18 09:41:27 by RouterOS 7.14.1
# software id = WXYZ-1234
#
# model = RB4011iGS+
# serial number = D4440F000000
/interface bridge
add name=bridge-lan port-cost-mode=short
/interface ethernet
set [ find default-name=ether1 ] comment="fibre of the provider" name=ether1-wan
set [ find default-name=ether10 ] disabled=yes
/interface pppoe-client
add add-default-route=yes disabled=no interface=ether1-wan max-mtu=1492 name=pppoe-out1 \
    use-peer-dns=yes user=cliente@provedor
/interface list
add name=WAN
add name=LAN
/ip pool
add name=dhcp_pool0 ranges=192.168.10.100-192.168.10.199
/ip dhcp-server
add address-pool=dhcp_pool0 interface=bridge-lan lease-time=12h name=dhcp1
/port
set 0 name=serial0
/interface bridge port
add bridge=bridge-lan interface=ether2 internal-path-cost=10 path-cost=10
/ip neighbor discovery-settings
set discover-interface-list=LAN
/ipv6 settings
set accept-router-advertisements=yes
/interface list member
add interface=pppoe-out1 list=WAN
add interface=bridge-lan list=LAN
/ip address
add address=192.168.10.1/24 interface=bridge-lan network=192.168.10.0
/ip cloud
set ddns-enabled=yes
/ip dhcp-server network
add address=192.168.10.0/24 dns-server=192.168.10.1 gateway=192.168.10.1
/ip dns
set allow-remote-requests=yes servers=1.1.1.1,8.8.8.8
/ip firewall address-list
add address=203.0.113.40 comment=accountant list=support
add address=198.51.100.0/28 list=support
add address=192.168.10.0/24 list=lan
/ip firewall filter
add action=accept chain=input connection-state=established,related
add action=drop chain=input connection-state=invalid
add action=accept chain=input protocol=icmp
add action=accept chain=input dst-port=8291,22 in-interface-list=WAN protocol=tcp \
    src-address-list=support
add action=add-src-to-address-list address-list=port-scanners address-list-timeout=2w chain=input \
    comment="Port scanners to list" protocol=tcp psd=21,3s,3,1
add action=drop chain=input src-address-list=port-scanners
add action=drop chain=input dst-port=53 in-interface-list=WAN protocol=udp
add action=drop chain=input in-interface-list=WAN
add action=fasttrack-connection chain=forward connection-state=established,related hw-offload=yes
add action=accept chain=forward connection-state=established,related
add action=drop chain=forward connection-state=invalid
add action=jump chain=forward disabled=yes jump-target=detect-ddos
add action=drop chain=forward connection-nat-state=!dstnat connection-state=new in-interface-list=WAN
/ip firewall mangle
add action=change-mss chain=forward new-mss=clamp-to-pmtu passthrough=yes protocol=tcp tcp-flags=syn
/ip firewall nat
add action=masquerade chain=srcnat out-interface-list=WAN
add action=dst-nat chain=dstnat comment="camera recorder" dst-port=37777 in-interface=pppoe-out1 \
    protocol=tcp to-addresses=192.168.10.50 to-ports=37777
add action=dst-nat chain=dstnat dst-port=8443 in-interface-list=WAN protocol=tcp src-address-list=support \
    to-addresses=192.168.10.20 to-ports=443
/ip service
set telnet disabled=yes
set ftp disabled=yes
set www disabled=yes
set ssh port=2222
set api disabled=yes
set winbox address=192.168.10.0/24
set api-ssl disabled=yes
/ipv6 firewall address-list
add address=fe80::/16 list=allowed
/ipv6 firewall filter
add action=accept chain=input connection-state=established,related
add action=accept chain=input protocol=icmpv6
add action=accept chain=input dst-port=546 protocol=udp src-address=fe80::/10
add action=drop chain=input in-interface-list=!LAN
add action=accept chain=forward connection-state=established,related
add action=drop chain=forward connection-state=invalid
add action=drop chain=forward in-interface-list=!LAN
/system clock
set time-zone-name=America/Recife
/system identity
set name="RB4011 - Escritorio"
/system note
set show-at-login=no
/system ntp client
set enabled=yes
/system ntp client servers
add address=a.st1.ntp.br
add address=b.st1.ntp.br
/tool romon
set enabled=yes
