; Setup program for Windows, for Inno Setup 6. Not run yet on Windows; packaging/release.py calls it there:
;
;     iscc /DVersion=0.1.0 /DFrozen=FOLDER /DIcons=FOLDER /OFOLDER packaging\windows\sounddesk.iss
;
; Installs for the user alone unless she asks for all. Projects and settings stay when it is removed; about downloaded
; models it asks.
#ifndef Version
  #error give the version: /DVersion=0.1.0
#endif
#ifndef Frozen
  #error give the folder of the frozen app: /DFrozen=FOLDER
#endif
#ifndef Icons
  #error give the folder of the icons: /DIcons=FOLDER
#endif
; Empty as long as nobody publishes (pyproject.toml, tool.sounddesk.publisher).
#ifndef Homepage
  #define Homepage ""
#endif

[Setup]
AppId={{5C9E0C0B-6B0E-4E2E-9C60-9D2D8B1D7C55}
AppName=sounddesk
AppVersion={#Version}
AppPublisher=The sounddesk authors
#if Homepage != ""
AppPublisherURL={#Homepage}
AppSupportURL={#Homepage}
#endif
DefaultDirName={autopf}\sounddesk
DefaultGroupName=sounddesk
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0
LicenseFile=..\..\LICENSE
; What the app as a whole is under, and every part.
InfoBeforeFile={#Frozen}\licences\README.md
OutputBaseFilename=sounddesk-{#Version}-windows-x86_64-setup
SetupIconFile={#Icons}\sounddesk.ico
UninstallDisplayIcon={app}\sounddesk-desk.exe
Compression=lzma2/max
SolidCompression=yes
ChangesAssociations=yes
ChangesEnvironment=yes
WizardStyle=modern

[Tasks]
Name: association; Description: "Open .sdesk projects with sounddesk"
Name: path; Description: "Add the command 'sounddesk' to PATH"; Flags: unchecked
Name: desktop; Description: "Put an icon on the desktop"; Flags: unchecked

[Files]
Source: "{#Frozen}\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs
Source: "{#Icons}\project.ico"; DestDir: "{app}"; Flags: ignoreversion

[InstallDelete]
; An older version's libraries would be found beside the new ones.
Type: filesandordirs; Name: "{app}\_internal"

[Icons]
Name: "{group}\sounddesk"; Filename: "{app}\sounddesk-desk.exe"
Name: "{autodesktop}\sounddesk"; Filename: "{app}\sounddesk-desk.exe"; Tasks: desktop

[Registry]
Root: HKA; Subkey: "Software\Classes\.sdesk"; ValueType: string; ValueData: "sounddesk.project"; Flags: uninsdeletevalue; Tasks: association
Root: HKA; Subkey: "Software\Classes\.sdesk"; ValueType: string; ValueName: "Content Type"; ValueData: "application/x-sounddesk-project"; Flags: uninsdeletevalue; Tasks: association
Root: HKA; Subkey: "Software\Classes\sounddesk.project"; ValueType: string; ValueData: "sounddesk project"; Flags: uninsdeletekey; Tasks: association
Root: HKA; Subkey: "Software\Classes\sounddesk.project\DefaultIcon"; ValueType: string; ValueData: "{app}\project.ico"; Tasks: association
Root: HKA; Subkey: "Software\Classes\sounddesk.project\shell\open\command"; ValueType: string; ValueData: """{app}\sounddesk-desk.exe"" ""%1"""; Tasks: association
Root: HKCU; Subkey: "Environment"; ValueType: expandsz; ValueName: "Path"; ValueData: "{olddata};{app}"; Check: NeedsPath; Tasks: path

[Run]
Filename: "{app}\sounddesk-desk.exe"; Description: "Open sounddesk"; Flags: nowait postinstall skipifsilent

[Code]
function NeedsPath: Boolean;
var
  Current: string;
begin
  if not RegQueryStringValue(HKCU, 'Environment', 'Path', Current) then
    Current := '';
  Result := Pos(';' + Uppercase(ExpandConstant('{app}')) + ';', ';' + Uppercase(Current) + ';') = 0;
end;

procedure RemoveFromPath;
var
  Current, Ours: string;
  Place: Integer;
begin
  if not RegQueryStringValue(HKCU, 'Environment', 'Path', Current) then
    Exit;
  Ours := ExpandConstant('{app}');
  Place := Pos(';' + Uppercase(Ours) + ';', ';' + Uppercase(Current) + ';');
  if Place = 0 then
    Exit;
  Current := ';' + Current + ';';
  Delete(Current, Place, Length(Ours) + 1);
  RegWriteExpandStringValue(HKCU, 'Environment', 'Path', Copy(Current, 2, Length(Current) - 2));
end;

procedure CurUninstallStepChanged(Step: TUninstallStep);
var
  Models: string;
begin
  if Step <> usPostUninstall then
    Exit;
  RemoveFromPath;
  { Where platformdirs puts the user's data; 'bundles' and 'working' beside it are the user's work. }
  Models := ExpandConstant('{localappdata}\sounddesk\models');
  if DirExists(Models) and not UninstallSilent then
    if MsgBox('Remove the downloaded models in ' + Models + ', too?', mbConfirmation, MB_YESNO or MB_DEFBUTTON2) = IDYES then
      DelTree(Models, True, True, True);
end;
