# aug/14/2022 17:03:55 by RouterOS 6.48.6
# software id = 6H1P-9QWE
/interface ethernet
set [ find default-name=ether1 ] name=WAN1
set [ find default-name=ether2 ] name=WAN2
set [ find default-name=ether3 ] name=LAN
/ip address
add address=203.0.113.2/30 interface=WAN1 network=203.0.113.0
add address=198.51.100.10/29 interface=WAN2 network=198.51.100.8
add address=10.10.0.1/16 comment=\
    "rede interna \E3" interface=LAN network=10.10.0.0
/ip firewall mangle
add action=mark-connection chain=prerouting in-interface=WAN1 new-connection-mark=WAN1_conn passthrough=yes
add action=mark-connection chain=prerouting in-interface=WAN2 new-connection-mark=WAN2_conn passthrough=yes
add action=mark-routing chain=output connection-mark=WAN1_conn new-routing-mark=to_WAN1 passthrough=yes
add action=mark-routing chain=output connection-mark=WAN2_conn new-routing-mark=to_WAN2 passthrough=yes
add action=accept chain=prerouting dst-address=203.0.113.0/30 in-interface=LAN
add action=mark-connection chain=prerouting dst-address-type=!local in-interface=LAN new-connection-mark=\
    WAN1_conn passthrough=yes per-connection-classifier=both-addresses:2/0
add action=mark-connection chain=prerouting dst-address-type=!local in-interface=LAN new-connection-mark=\
    WAN2_conn passthrough=yes per-connection-classifier=both-addresses:2/1
add action=mark-routing chain=prerouting connection-mark=WAN1_conn in-interface=LAN new-routing-mark=to_WAN1
/ip firewall nat
add action=masquerade chain=srcnat out-interface=WAN1
add action=src-nat chain=srcnat out-interface=WAN2 to-addresses=198.51.100.10
add action=dst-nat chain=dstnat dst-address=203.0.113.2 dst-port=80,443 protocol=tcp to-addresses=10.10.0.80
add action=netmap chain=dstnat dst-address=198.51.100.11 to-addresses=10.10.0.11
/ip firewall filter
add chain=input comment="regra antiga, sem action" connection-state=established
add chain=input protocol=icmp limit=50/5s,2:packet
add action=accept chain=input in-interface=LAN
add action=tarpit chain=input protocol=tcp connection-limit=3,32 src-address-list=black_list
add action=drop chain=input
add action=accept chain=forward connection-state=established,related
add action=drop chain=forward in-interface=!LAN connection-state=new out-interface=LAN \
    connection-nat-state=!dstnat
add action=drop chain=forward layer7-protocol=torrent
add action=reject chain=forward content=facebook.com reject-with=icmp-network-unreachable time=\
    8h-18h,mon,tue,wed,thu,fri
/ip route
add check-gateway=ping distance=1 gateway=203.0.113.1 routing-mark=to_WAN1
add check-gateway=ping distance=1 gateway=198.51.100.9 routing-mark=to_WAN2
add check-gateway=ping distance=1 gateway=203.0.113.1
add distance=2 gateway=198.51.100.9
add disabled=yes distance=1 dst-address=172.16.0.0/12 gateway=10.10.0.254
add distance=1 dst-address=192.168.200.0/24 type=blackhole
/snmp
set contact=noc enabled=yes
/system identity
set name=gw-dual
/system ntp client
set enabled=yes primary-ntp=200.160.0.8 secondary-ntp=200.189.40.8
/system scheduler
add interval=1d name=backup on-event="/system backup save name=diario" policy=read,write start-time=03:00:00
/tool netwatch
add down-script="/ip route disable [find comment=\"wan1\"]" host=8.8.8.8 up-script=\
    "/ip route enable [find comment=\"wan1\"]"
