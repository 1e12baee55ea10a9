# nov/21/2026 08:00:00 by RouterOS 6.30
# software id = ABCD-1234
#
/interface ethernet
set [ find default-name=ether1 ] name=wan
set [ find default-name=ether2 ] name=lan
set [ find default-name=ether3 ] comment="spare, not in use" disabled=yes
/interface l2tp-server
add name=vpn-filial30 user=filial30
add name=vpn-filial40 user=filial40
/ip firewall layer7-protocol
add name=video regexp="^(video|stream)\$"
/ppp profile
set *0 use-encryption=required
/ip address
add address=203.0.113.10/24 comment=operator interface=wan network=203.0.113.0
add address=192.168.0.222/24 interface=lan network=192.168.0.0
/ip dns
set allow-remote-requests=yes servers=203.0.113.1,8.8.8.8
/ip dns static
add address=192.168.0.222 name=router.example.org
/ip firewall address-list
add address=198.51.100.0/24 list=partners
add address=192.0.2.77 list=partners
/ip firewall filter
add chain=input comment="answers" connection-state=established,related in-interface=wan
add action=accept chain=input connection-state=established,related in-interface=lan
add action=drop chain=input connection-state=invalid
add chain=input in-interface=wan protocol=icmp
add chain=input dst-port=1701 in-interface=wan protocol=udp
add chain=input in-interface=wan protocol=gre
add action=drop chain=forward packet-mark=pck-p2p
add action=drop chain=input packet-mark=pck-p2p
add action=drop chain=output packet-mark=pck-p2p
add action=drop chain=forward dst-port=139,445 out-interface=wan protocol=tcp
add action=drop chain=forward comment="say \"no\" to \
    NetBIOS" dst-port=137-138 out-interface=wan protocol=udp
add chain=input dst-port=22,23,8291,199 in-interface=lan protocol=tcp
add chain=input dst-port=161 in-interface=lan protocol=udp src-address=192.168.0.0/24
add action=add-src-to-address-list address-list=knockers address-list-timeout=10m chain=input dst-port=3389 \
    in-interface=wan protocol=tcp
add action=drop chain=input src-address-list=knockers
add action=drop chain=input comment="first five" limit=5,10:packet protocol=icmp
add action=accept chain=forward src-address=192.168.0.10-192.168.0.20
add action=jump chain=forward jump-target=mine
add action=drop chain=input src-address=!192.168.0.0/16
add chain=forward in-interface=lan out-interface=wan
add action=drop chain=input in-interface=wan
add action=drop chain=forward in-interface=wan disabled=yes
/ip firewall mangle
add action=mark-packet chain=prerouting new-packet-mark=pck-p2p p2p=all-p2p passthrough=yes
add action=mark-packet chain=prerouting dst-port=5060 new-packet-mark=voice protocol=udp
add action=change-mss chain=forward new-mss=clamp-to-pmtu protocol=tcp tcp-flags=syn
/ip firewall nat
add action=masquerade chain=srcnat out-interface=wan src-address=192.168.0.0/24
add action=masquerade chain=srcnat dst-address=192.168.0.0/24 out-interface=lan
add action=dst-nat chain=dstnat dst-port=8080 in-interface=wan protocol=tcp to-addresses=192.168.0.10 to-ports=80
add action=redirect chain=dstnat dst-port=80 protocol=tcp to-ports=3128
/ip route
add distance=1 gateway=203.0.113.1
add distance=1 dst-address=192.168.30.0/24 gateway=vpn-filial30
add distance=1 dst-address=192.168.40.0/24 gateway=vpn-filial40
add distance=5 dst-address=10.20.0.0/16 gateway=192.168.0.1
add distance=2 gateway=203.0.113.2 routing-mark=second
/ip service
set telnet disabled=yes
/ppp secret
add local-address=172.31.30.1 name=filial30 password="s3cr\"et x" profile=default-encryption remote-address=172.31.30.2
add local-address=172.31.40.1 name=filial40 password=hunter2 remote-address=172.31.40.2
/system clock
set time-zone-name=America/Sao_Paulo
/system identity
set name="matriz Porto"
/system ntp client
set enabled=yes primary-ntp=200.160.0.8
:put "done"
