# sep/30/2021 22:15:02 by RouterOS 6.47.10
/interface bridge
add name=br-hotspot
/interface vlan
add interface=ether2 name=vlan20-visitantes vlan-id=20
/ip hotspot profile
set [ find default=yes ] html-directory=flash/hotspot
add dns-name=login.pousada.example hotspot-address=10.5.50.1 login-by=http-chap,cookie name=hsprof1
/ip hotspot user profile
set [ find default=yes ] shared-users=3 rate-limit=2M/8M
/ip pool
add name=hs-pool-1 ranges=10.5.50.2-10.5.50.254
/ip dhcp-server
add address-pool=hs-pool-1 disabled=no interface=br-hotspot lease-time=1h name=dhcp1
/ip hotspot
add address-pool=hs-pool-1 disabled=no interface=br-hotspot name=hotspot1 profile=hsprof1
/queue simple
add max-limit=10M/50M name=visitantes target=10.5.50.0/24
/ip address
add address=10.5.50.1/24 comment="hotspot network" interface=br-hotspot network=10.5.50.0
add address=192.168.20.1/24 interface=vlan20-visitantes network=192.168.20.0
/ip dhcp-client
add disabled=no interface=ether1
/ip firewall filter
add action=passthrough chain=unused-hs-chain comment="place hotspot rules here" disabled=yes
add action=drop chain=input comment="sem winbox para visitantes" dst-port=8291 in-interface=br-hotspot protocol=tcp
add action=drop chain=forward dst-address=192.168.0.0/16 in-interface=br-hotspot
add action=drop chain=forward protocol=tcp dst-port=25 in-interface=br-hotspot log=yes log-prefix=smtp
/ip firewall nat
add action=passthrough chain=unused-hs-chain comment="place hotspot rules here" disabled=yes
add action=masquerade chain=srcnat comment="masquerade hotspot network" src-address=10.5.50.0/24
add action=redirect chain=dstnat dst-port=53 in-interface=br-hotspot protocol=udp to-ports=53
/ip hotspot user
add name=admin password=x
/ip hotspot walled-garden
add comment="place hotspot rules here" disabled=yes
add dst-host=*.pousada.example
/radius
add address=10.5.50.2 secret=hsradius service=hotspot
/system identity
set name=hotspot-pousada
