"""The two faces of the API, as one table: a single host (HostAgent) and a centre over hosts (VirtualCenter).

Law: nothing else in the house asks "which kind am I?"; it reads a column of this table. Ids and their shapes are ESXi's and vCenter's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

# ServiceContent field -> (type, id as a host has it, id as a centre has it); "" where that side has none. In wire order.
MANAGERS: dict[str, tuple[str, str, str]] = {
    "rootFolder": ("Folder", "ha-folder-root", "group-d1"),
    "propertyCollector": ("PropertyCollector", "ha-property-collector", "propertyCollector"),
    "viewManager": ("ViewManager", "ViewManager", "ViewManager"),
    "setting": ("OptionManager", "HostAgentSettings", "VpxSettings"),
    "userDirectory": ("UserDirectory", "ha-user-directory", "UserDirectory"),
    "sessionManager": ("SessionManager", "ha-sessionmgr", "SessionManager"),
    "authorizationManager": ("AuthorizationManager", "ha-authmgr", "AuthorizationManager"),
    "serviceManager": ("ServiceManager", "ha-servicemanager", "ServiceMgr"),
    "perfManager": ("PerformanceManager", "ha-perfmgr", "PerfMgr"),
    "scheduledTaskManager": ("ScheduledTaskManager", "", "ScheduledTaskManager"),
    "alarmManager": ("AlarmManager", "", "AlarmManager"),
    "eventManager": ("EventManager", "ha-eventmgr", "EventManager"),
    "taskManager": ("TaskManager", "ha-taskmgr", "TaskManager"),
    "extensionManager": ("ExtensionManager", "", "ExtensionManager"),
    "customizationSpecManager": ("CustomizationSpecManager", "", "CustomizationSpecManager"),
    "guestCustomizationManager": ("VirtualMachineGuestCustomizationManager", "", "GuestCustomizationManager"),
    "customFieldsManager": ("CustomFieldsManager", "", "CustomFieldsManager"),
    "accountManager": ("HostLocalAccountManager", "ha-localacctmgr", ""),
    "diagnosticManager": ("DiagnosticManager", "ha-diagnosticmgr", "DiagMgr"),
    "licenseManager": ("LicenseManager", "ha-license-manager", "LicenseManager"),
    "searchIndex": ("SearchIndex", "ha-searchindex", "SearchIndex"),
    "fileManager": ("FileManager", "ha-nfc-file-manager", "FileManager"),
    "datastoreNamespaceManager": ("DatastoreNamespaceManager", "ha-datastore-namespace-manager", "DatastoreNamespaceManager"),
    "virtualDiskManager": ("VirtualDiskManager", "ha-vdiskmanager", "virtualDiskManager"),
    "snmpSystem": ("HostSnmpSystem", "", "SnmpSystem"),
    "vmProvisioningChecker": ("VirtualMachineProvisioningChecker", "", "ProvChecker"),
    "vmCompatibilityChecker": ("VirtualMachineCompatibilityChecker", "", "CompatChecker"),
    "ovfManager": ("OvfManager", "ha-ovf-manager", "OvfManager"),
    "ipPoolManager": ("IpPoolManager", "", "IpPoolManager"),
    "dvSwitchManager": ("DistributedVirtualSwitchManager", "ha-dvsmanager", "DVSManager"),
    "hostProfileManager": ("HostProfileManager", "", "HostProfileManager"),
    "clusterProfileManager": ("ClusterProfileManager", "", "ClusterProfileManager"),
    "complianceManager": ("ProfileComplianceManager", "", "MoComplianceManager"),
    "localizationManager": ("LocalizationManager", "ha-l10n-manager", "LocalizationManager"),
    "storageResourceManager": ("StorageResourceManager", "ha-storage-resource-manager", "StorageResourceManager"),
    "guestOperationsManager": ("GuestOperationsManager", "ha-guest-operations-manager", "guestOperationsManager"),
    "overheadMemoryManager": ("OverheadMemoryManager", "", "OverheadMemoryManager"),
    "certificateManager": ("CertificateManager", "", "certificateManager"),
    "ioFilterManager": ("IoFilterManager", "", "IoFilterManager"),
    "vStorageObjectManager": ("HostVStorageObjectManager", "ha-vstorage-object-manager", "VStorageObjectManager"),
    "hostSpecManager": ("HostSpecificationManager", "", "HostSpecificationManager"),
    "cryptoManager": ("CryptoManager", "ha-crypto-manager", "CryptoManager"),
    "healthUpdateManager": ("HealthUpdateManager", "", "HealthUpdateManager"),
    "failoverClusterConfigurator": ("FailoverClusterConfigurator", "", "FailoverClusterConfigurator"),
    "failoverClusterManager": ("FailoverClusterManager", "", "FailoverClusterManager"),
    "tenantManager": ("TenantTenantManager", "", "TenantManager"),
    "siteInfoManager": ("SiteInfoManager", "", "SiteInfoManager"),
    "storageQueryManager": ("StorageQueryManager", "", "StorageQueryManager"),
}  # fmt: skip

# HostConfigManager field -> (type, id as a host has it, id as a centre has it before `-<host number>`).
HOST_MANAGERS: dict[str, tuple[str, str, str]] = {
    "cpuScheduler": ("HostCpuSchedulerSystem", "cpuSchedulerSystem", "cpuScheduler"),
    "datastoreSystem": ("HostDatastoreSystem", "ha-datastoresystem", "datastoreSystem"),
    "memoryManager": ("HostMemorySystem", "memoryManagerSystem", "memorySystem"),
    "storageSystem": ("HostStorageSystem", "storageSystem", "storageSystem"),
    "networkSystem": ("HostNetworkSystem", "networkSystem", "networkSystem"),
    "vmotionSystem": ("HostVMotionSystem", "ha-vmotion-system", "vmotionSystem"),
    "virtualNicManager": ("HostVirtualNicManager", "ha-vnic-mgr", "virtualNicManager"),
    "serviceSystem": ("HostServiceSystem", "serviceSystem", "serviceSystem"),
    "firewallSystem": ("HostFirewallSystem", "firewallSystem", "firewallSystem"),
    "advancedOption": ("OptionManager", "ha-adv-options", "EsxHostAdvSettings"),
    "diagnosticSystem": ("HostDiagnosticSystem", "diagnosticsystem", "diagnosticSystem"),
    "autoStartManager": ("HostAutoStartManager", "ha-autostart-mgr", "autoStartManager"),
    "snmpSystem": ("HostSnmpSystem", "ha-snmp-agent", "snmpSystem"),
    "dateTimeSystem": ("HostDateTimeSystem", "dateTimeSystem", "dateTimeSystem"),
    "patchManager": ("HostPatchManager", "ha-host-patch-manager", "patchManager"),
    "imageConfigManager": ("HostImageConfigManager", "ha-image-config-manager", "imageConfigManager"),
    "firmwareSystem": ("HostFirmwareSystem", "ha-firmwareSystem", "firmwareSystem"),
    "healthStatusSystem": ("HostHealthStatusSystem", "healthStatusSystem", "healthStatusSystem"),
    "pciPassthruSystem": ("HostPciPassthruSystem", "ha-pcipassthrusystem", "pciPassthruSystem"),
    "licenseManager": ("LicenseManager", "ha-license-manager", ""),
    "kernelModuleSystem": ("HostKernelModuleSystem", "kernelModuleSystem", "kernelModuleSystem"),
    "authenticationManager": ("HostAuthenticationManager", "ha-auth-manager", "authenticationManager"),
    "powerSystem": ("HostPowerSystem", "ha-power-system", "powerSystem"),
    "cacheConfigurationManager": ("HostCacheConfigurationManager", "ha-cache-configuration-manager", "cacheConfigManager"),
    "iscsiManager": ("IscsiManager", "iscsiManager", "iscsiManager"),
    "vFlashManager": ("HostVFlashManager", "ha-vflash-manager", "vFlashManager"),
    "vsanSystem": ("HostVsanSystem", "vsanSystem", "vsanSystem"),
    "messageBusProxy": ("MessageBusProxy", "messageBusProxy", "messageBusProxy"),
    "userDirectory": ("UserDirectory", "ha-user-directory", "userDirectory"),
    "accountManager": ("HostLocalAccountManager", "ha-localacctmgr", "accountManager"),
    "hostAccessManager": ("HostAccessManager", "ha-host-access-manager", "hostAccessManager"),
    "graphicsManager": ("HostGraphicsManager", "ha-graphics-manager", "graphicsManager"),
    "vsanInternalSystem": ("HostVsanInternalSystem", "ha-vsan-internal-system", "ha-vsan-internal-system"),
    "certificateManager": ("HostCertificateManager", "ha-certificate-manager", "ha-certificate-manager"),
    "cryptoManager": ("CryptoManager", "ha-crypto-manager", "CryptoManagerHost"),
    "nvdimmSystem": ("HostNvdimmSystem", "ha-nvdimm-system", "ha-nvdimm-system"),
}  # fmt: skip


class Personality(NamedTuple):
    """One column. Callables spell an id from its number or key."""

    name: str
    api_type: str
    product_line: str
    column: int
    fixed: dict[str, str]  # our word for a fixed object -> its id
    folder_types: dict[str, list[str]]
    idle_seconds: int
    has_session_is_active: bool
    clones: bool
    machine: Callable[[int], str]
    datastore: Callable[[int, str], str]
    datastore_browser: Callable[[int, str], str]
    network: Callable[[int, str], str]
    host_manager: Callable[[str, str, int], str]
    environment: Callable[[int], str]
    task: Callable[[str, str, int], str]

    def manager(self, field: str) -> tuple[str, str]:
        """(type, id) of a ServiceContent manager; id '' where this side has none."""
        kind, *ids = MANAGERS[field]
        return kind, ids[self.column]


HOST_AGENT = Personality(
    name="HostAgent", api_type="HostAgent", product_line="embeddedEsx", column=0,
    fixed={
        "datacenter": "ha-datacenter", "vm": "ha-folder-vm", "host_folder": "ha-folder-host",
        "datastore_folder": "ha-folder-datastore", "network_folder": "ha-folder-network",
        "compute": "ha-compute-res", "pool": "ha-root-pool", "host": "ha-host", "compute_environment": "ha-compute-res-envmgr",
        "host_browser": "ha-host-datastorebrowser", "host_environment": "ha-host-envmgr",
    },
    folder_types={
        "root": ["Datacenter"], "vm": ["VirtualMachine"], "host_folder": ["ComputeResource"],
        "datastore_folder": ["Datastore"], "network_folder": ["Network"],
    },
    idle_seconds=1800, has_session_is_active=False, clones=False,
    machine=str,
    datastore=lambda number, uuid: uuid,
    datastore_browser=lambda number, uuid: f"{uuid}-datastorebrowser",
    network=lambda number, name: f"HaNetwork-{name}",
    host_manager=lambda ha, vc, number: ha,
    environment=lambda number: f"{number}-envmgr",
    task=lambda entity, description, number: f"haTask-{entity}-vim.{description}-{number}",
)  # fmt: skip

VIRTUAL_CENTER = Personality(
    name="VirtualCenter", api_type="VirtualCenter", product_line="vpx", column=1,
    fixed={
        "datacenter": "datacenter-3", "vm": "group-v4", "host_folder": "group-h5", "datastore_folder": "group-s6",
        "network_folder": "group-n7", "compute": "domain-s8", "pool": "resgroup-10", "host": "host-9",
        "compute_environment": "envbrowser-8", "host_browser": "datastoreBrowser-host-9", "host_environment": "envbrowser-9",
    },
    folder_types={
        "root": ["Folder", "Datacenter"], "vm": ["Folder", "VirtualMachine", "VirtualApp"],
        "host_folder": ["Folder", "ComputeResource"], "datastore_folder": ["Folder", "Datastore", "StoragePod"],
        "network_folder": ["Folder", "Network", "DistributedVirtualSwitch"],
    },
    idle_seconds=7200, has_session_is_active=True, clones=True,
    machine=lambda number: f"vm-{number}",
    datastore=lambda number, uuid: f"datastore-{number}",
    datastore_browser=lambda number, uuid: f"datastoreBrowser-datastore-{number}",
    network=lambda number, name: f"network-{number}",
    host_manager=lambda ha, vc, number: f"{vc}-{number}",
    environment=lambda number: f"envbrowser-{number}",
    task=lambda entity, description, number: f"task-{number}",
)  # fmt: skip

PERSONALITIES = {p.name: p for p in (HOST_AGENT, VIRTUAL_CENTER)}
